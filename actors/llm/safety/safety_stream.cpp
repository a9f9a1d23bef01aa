#include "actors/llm/safety/safety_stream.hpp"

#include "actors/llm/safety/injection_marks.hpp"
#include "config/limits/safety.hpp"

#include <algorithm>
#include <utility>

namespace troupe {

namespace {

/// What a token, an address or a URL consists of.
bool is_of_token(char c) {
  constexpr std::string_view marks = "-_.+%=/@:~";
  return is_word_byte(c) || marks.find(c) != marks.npos;
}

/// Where the last word begins; at most `safety_held_bytes_max` before the end.
std::size_t last_word(std::string_view text) {
  auto least =
      text.size() > limits::safety_held_bytes_max ? text.size() - limits::safety_held_bytes_max : 0;
  auto at = text.size();
  while (at > least && is_of_token(text[at - 1]))
    --at;
  return at == least && least > 0 ? text.size() : at; // too long to be kept
}

/// Where digits and capitals begin that stand in groups before `end`: cards and bank accounts.
std::size_t last_groups(std::string_view text, std::size_t end) {
  constexpr std::size_t longest = 44; // 34 characters of an account, and the spaces between them
  auto may_be = [](char c) {
    return is_digit_byte(c) || (c >= 'A' && c <= 'Z') || c == ' ' || c == '-';
  };
  auto least = text.size() > longest ? text.size() - longest : 0;
  auto at = text.size();
  bool has_digit = false;
  while (at > least && may_be(text[at - 1])
         && (at == text.size() || text[at - 1] != ' ' || text[at] != ' ')) {
    --at;
    has_digit = has_digit || is_digit_byte(text[at]);
  }
  if (!has_digit)
    return end;
  while (at < text.size() && (text[at] == ' ' || text[at] == '-'))
    ++at;
  return std::min(at, end);
}

/// Where a private key begins that has no end yet, or "-----BEGIN" itself is not whole.
std::size_t open_key(std::string_view text, std::size_t end) {
  constexpr std::string_view begin = "-----BEGIN ", close = "-----END ", dashes = "-----";
  auto at = text.rfind(begin);
  if (at == text.npos)
    return end;
  auto last = text.find(close, at);
  bool is_closed = last != text.npos && text.find(dashes, last + close.size()) != text.npos;
  auto title_end = text.find(dashes, at + begin.size());
  bool is_other =
      title_end != text.npos && text.substr(at, title_end - at).find("PRIVATE KEY") == text.npos;
  constexpr std::size_t title_max = 80;
  bool has_no_title = title_end == text.npos && text.size() - at > title_max;
  if (is_closed || is_other || has_no_title || text.size() - at >= limits::private_key_bytes_max)
    return end;
  return std::min(at, end);
}

} // namespace

std::size_t safety_stream::open_from() const {
  auto wants = [&](safety_check check) { return rules_->action_of(check) != safety_action::off; };
  auto end = kept_.size();
  bool words = wants(safety_check::secret) || wants(safety_check::email)
               || wants(safety_check::card) || wants(safety_check::iban)
               || wants(safety_check::denied) || wants(safety_check::injection);
  if (words)
    end = last_word(kept_);
  if (wants(safety_check::secret))
    end = open_key(kept_, end);
  if (wants(safety_check::card) || wants(safety_check::iban))
    end = last_groups(kept_, end);
  if (wants(safety_check::denied) && rules_->denied)
    end = std::min(end, rules_->denied->open_from(kept_));
  if (wants(safety_check::injection))
    end = std::min(end, injection_phrases().open_from(kept_));
  if (wants(safety_check::encoding) && end == kept_.size()) { // a character may be split
    constexpr std::size_t character_max = 3;
    for (std::size_t back = 1; back <= std::min(character_max, end); ++back)
      if ((static_cast<unsigned char>(kept_[end - back]) & 0xc0) == 0xc0)
        return end - back;
  }
  return end;
}

safety_outcome safety_stream::feed(std::string_view piece) {
  if (is_blocked_)
    return {};
  kept_.append(piece);
  return pass(open_from(), false);
}

safety_outcome safety_stream::finish() {
  if (is_blocked_)
    return {};
  return pass(kept_.size(), true);
}

/// All that is kept is searched, and what lies before `end` is passed on.
safety_outcome safety_stream::pass(std::size_t end, bool is_last) {
  safety_outcome made;
  auto text = before_ + kept_;
  auto offset = before_.size();
  auto found = scan(text, *rules_);
  for (const auto& one : found)
    if (one.begin < offset + end && one.end > offset + end)
      end = one.begin > offset ? one.begin - offset : 0; // it goes on
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
  if (rules_->action_of(safety_check::size) != safety_action::off && rules_->bytes_max != 0
      && passed_ + kept_.size() - end > rules_->bytes_max && !made.blocked_by) {
    ++made.found[static_cast<std::size_t>(safety_check::size)];
    if (rules_->action_of(safety_check::size) == safety_action::block) {
      made.blocked_by = safety_check::size;
      made.why = "more bytes than allowed";
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
  return asked_->unmask(std::string_view{whole}.substr(0, end));
}

} // namespace troupe
