#pragma once

#include "actors/llm/safety/safety_stream.hpp"
#include "actors/llm/unit_cutter.hpp"
#include "messages/agents.pb.h"
#include "messages/models.pb.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace troupe {

/// Checks the pieces of a streamed answer: each of its texts (text, thoughts, refusal, arguments of
/// a call; of each choice) is a stream of its own. Text is cut into the units that are wanted
/// behind the check, which holds a word back. When another text of a choice begins, the one before
/// is whole.
class piece_checks {
public:
  /// The rules and what was masked in the question are not owned.
  piece_checks(const safety_rules& rules, const placeholders& asked, PieceUnit unit)
      : rules_(&rules), asked_(&asked), unit_(unit) {}

  /// What can be passed on.
  struct passed {
    std::vector<Piece> pieces;
    safety_counts found{};
    std::optional<safety_check> blocked_by;
    std::string why;
  };

  void feed(Piece piece, passed& into);
  /// There is no more.
  void finish(passed& into);
  /// What came so far does not count any more.
  void restart() { open_.clear(); }

private:
  enum class piece_text : std::uint8_t { text, thinking, refusal, arguments };

  struct open_text {
    piece_text what;
    std::uint32_t call; ///< the index of the tool's call
    safety_stream checks;
    unit_cutter cutter;
  };

  static piece_text sort_of(const Piece& piece);
  static std::string& text_of(Piece& piece, piece_text what);
  void end(std::uint32_t choice, open_text& of, passed& into) const;
  static bool take(safety_outcome& made, passed& into);
  void add(Piece piece, std::string text, open_text& of, passed& into) const;

  const safety_rules* rules_;
  const placeholders* asked_;
  PieceUnit unit_;
  std::map<std::uint32_t, open_text> open_; ///< by choice
};

} // namespace troupe
