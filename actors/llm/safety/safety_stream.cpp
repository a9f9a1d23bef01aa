#include "actors/llm/safety/safety_stream.hpp"

#include "actors/llm/safety/secrets_in.hpp"
#include "config/limits/safety.hpp"

#include <algorithm>
#include <utility>

namespace troupe {

namespace {

/// Before all findings that `end` is within.
std::size_t before_findings(std::size_t end, const safety_findings& found) {
  for (auto one = found.rbegin(); one != found.rend(); ++one) // the later ones first: they overlap
    if (one->begin < end && one->end > end)
      end = one->begin;
  return end;
}

/// Where the text may be cut: before a word, and not within what was found.
std::size_t cut_of(std::string_view text, const safety_rules& rules, const safety_findings& found) {
  auto cut = open_from(text, rules);
  for (auto last = text.size() + 1; last != cut;) {
    last = cut;
    cut = before_findings(cut < text.size() ? word_from(text, cut) : cut, found);
  }
  constexpr std::size_t overlong_kept = 1'024; // of a word that is too long to be kept
  if (text.size() - cut > limits::safety_held_bytes_max)
    cut = before_findings(std::max(cut, text.size() - overlong_kept), found);
  return cut;
}

} // namespace

safety_outcome safety_stream::feed(std::string_view piece) {
  if (is_blocked_)
    return {};
  kept_.append(piece);
  return pass(false);
}

safety_outcome safety_stream::finish() {
  if (is_blocked_)
    return {};
  return pass(true);
}

/// All that is kept is searched, and what nothing can change any more is passed on.
safety_outcome safety_stream::pass(bool is_last) {
  safety_outcome made;
  auto text = before_ + kept_;
  auto offset = before_.size();
  auto found = scan(text, *rules_, offset);
  auto cut = is_last ? text.size() : std::max(offset, cut_of(text, *rules_, found));
  auto end = cut - offset;
  safety_findings passed;
  for (const auto& one : found) {
    if (one.end > offset + end || one.end <= offset)
      continue;
    ++made.found[static_cast<std::size_t>(one.check)];
    if (rules_->action_of(one.check) == safety_action::block && !made.blocked_by) {
      made.blocked_by = one.check;
      made.why = std::string{one.what} + " at byte " + std::to_string(passed_ + one.begin - offset);
    }
    passed.push_back(one);
  }
  passed_ += end;
  if (!is_too_long_ && is_too_long(passed_ + kept_.size() - end, *rules_) && !made.blocked_by) {
    is_too_long_ = true;
    ++made.found[static_cast<std::size_t>(safety_check::size)];
    if (rules_->action_of(safety_check::size) == safety_action::block) {
      made.blocked_by = safety_check::size;
      made.why = too_long_text(*rules_);
    }
  }
  if (made.blocked_by) {
    is_blocked_ = true;
    kept_.clear();
    unmasked_.clear();
    return made;
  }
  auto out = with_masks(std::string_view{text}.substr(offset, end), offset, passed, *rules_, own_);
  if (end > 0)
    before_.assign(1, kept_[end - 1]);
  kept_.erase(0, end);
  made.text = unmask(out, is_last);
  return made;
}

std::string safety_stream::unmask(std::string_view text, bool is_last) {
  auto whole = std::exchange(unmasked_, {});
  whole += text;
  auto end = is_last ? whole.size() : asked_->open_from(whole);
  unmasked_ = whole.substr(end);
  return asked_->unmask(std::string_view{whole}.substr(0, end), of_);
}

} // namespace troupe
