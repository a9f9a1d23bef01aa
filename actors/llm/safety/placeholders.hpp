#pragma once

#include "actors/llm/safety/safety_finding.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace troupe {

/// What was masked in one conversation, and by which placeholder: [EMAIL_1], [CARD_2]. The same
/// value has the same placeholder, so a model can tell two people apart and an answer can be
/// unmasked. A placeholder that a text has already (somebody wrote it) is given to nothing.
///
/// It holds what was masked: it is never logged, sent or kept longer than the call.
class placeholders {
public:
  /// What a value stands in.
  enum class within : std::uint8_t {
    text,
    json_text, ///< a text within JSON: it is written as JSON writes it
  };

  /// Its placeholders are somebody's own words. Before the text is masked.
  void reserve(std::string_view text);
  /// None of those of `others` is given.
  void avoid(const placeholders& others);
  /// The placeholder of `value`, the same each time.
  std::string of(safety_check check, std::string_view value);

  /// `text` with the values in their places again.
  std::string unmask(std::string_view text, within of = within::text) const;
  /// Where a placeholder may have begun that goes on behind the end of `text`; else its size.
  std::size_t open_from(std::string_view text) const;

  bool empty() const noexcept { return values_.empty(); }
  std::size_t size() const noexcept { return values_.size(); }

private:
  std::map<std::string, std::string, std::less<>> values_; ///< by placeholder
  std::map<std::string, std::string, std::less<>> names_;  ///< by check and value
  std::map<std::string, bool, std::less<>> reserved_;
  std::array<std::uint32_t, safety_checks> last_{};
};

} // namespace troupe
