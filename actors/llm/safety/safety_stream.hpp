#pragma once

#include "actors/llm/safety/safety_scan.hpp"

#include <string>
#include <string_view>

namespace troupe {

/// Checks a text that comes in pieces, as if it had come whole: a secret that is split over pieces
/// is found.
///
/// Held back is only what the scanners say may be the beginning of something: the last word, groups
/// of digits, a phrase that may go on, a private key without its end; of a word at most
/// `safety_held_bytes_max`. One longer than that passes in parts. So a person sees the text a word
/// late.
///
/// A placeholder in the text (what was masked in the question) is replaced back after the check,
/// also if it is split.
class safety_stream {
public:
  /// `asked` is what was masked in the question; neither is owned.
  safety_stream(const safety_rules& rules, const placeholders& asked,
                placeholders::within of = placeholders::within::text)
      : rules_(&rules), asked_(&asked), of_(of) {
    own_.avoid(asked);
  }

  /// What can be passed on now; with `blocked_by`, nothing more is.
  safety_outcome feed(std::string_view piece);
  /// There is no more.
  safety_outcome finish();

  std::size_t held() const noexcept { return kept_.size() + unmasked_.size(); }

private:
  safety_outcome pass(bool is_last);
  std::string unmask(std::string_view text, bool is_last);

  const safety_rules* rules_;
  const placeholders* asked_;
  placeholders::within of_;
  placeholders own_;     ///< what is masked in the answer itself: nobody unmasks it
  std::string before_;   ///< the last byte that was passed on: words touch it
  std::string kept_;     ///< not passed on
  std::string unmasked_; ///< checked, but perhaps half a placeholder
  std::size_t passed_ = 0;
  bool is_blocked_ = false, is_too_long_ = false;
};

} // namespace troupe
