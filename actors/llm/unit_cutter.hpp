#pragma once

#include "messages/models.pb.h"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace troupe {

/// Cuts the text of a streamed answer into whole units: lines, sentences or JSON values.
///
/// The problem: the pieces of a provider end anywhere, and whoever works on an answer as it comes
/// needs the next line, sentence or object whole. Units are the same however the text was cut
/// before. A unit longer than `limits::piece_unit_bytes_max` is given in parts, so memory is
/// bounded.
class unit_cutter {
public:
  explicit unit_cutter(PieceUnit unit) : unit_(unit) {}

  /// Adds text; appends the units that are whole now.
  void give(std::string_view text, std::vector<std::string>& units);
  /// The answer is whole: what is left is the last unit, or its beginning if it lacks its end. May
  /// be empty.
  std::string rest();

private:
  void cut_lines(std::vector<std::string>& units);
  void cut_sentences(std::string_view added, std::vector<std::string>& units);
  void cut_values(std::string_view added, std::vector<std::string>& units);
  void take_all(std::vector<std::string>& units);

  PieceUnit unit_;
  std::string kept_;
  std::size_t looked_at_ = 0; ///< bytes of `kept_` that hold no line break
  std::size_t depth_ = 0;     ///< of JSON: objects and lists that are open
  bool in_text_ = false;      ///< of JSON: within a string of a value
  bool escaped_ = false;      ///< of JSON: the next character of it is no end
};

} // namespace troupe
