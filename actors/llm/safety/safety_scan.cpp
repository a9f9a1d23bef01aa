#include "actors/llm/safety/safety_scan.hpp"

#include "actors/llm/safety/injection_marks.hpp"
#include "actors/llm/safety/personal_data.hpp"
#include "actors/llm/safety/secrets_in.hpp"
#include "config/base/utf8.hpp"
#include "config/limits/safety.hpp"

#include <algorithm>

namespace troupe {

namespace {

void find_denied(std::string_view text, const safety_rules& rules, safety_findings& into) {
  if (!rules.denied)
    return;
  for (const auto& one : rules.denied->find(text))
    into.push_back({safety_check::denied, one.begin, one.end, "a phrase that is not allowed"});
}

void find_bad_bytes(std::string_view text, std::size_t before, safety_findings& into) {
  if (auto at = find_bad_utf8(text.substr(before)))
    into.push_back(
        {safety_check::encoding, before + *at, before + *at + 1, "a byte that is not UTF-8"});
}

/// Where a character begins whose bytes have not all come; the size of `text` if none does.
std::size_t split_from(std::string_view text) {
  constexpr std::size_t character_max = 3;
  for (std::size_t back = 1; back <= std::min(character_max, text.size()); ++back) {
    auto byte = static_cast<unsigned char>(text[text.size() - back]);
    if ((byte & 0xc0) != 0xc0)
      continue;
    std::size_t length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
    return back < length ? text.size() - back : text.size();
  }
  return text.size();
}

/// Masked findings that overlap become one over all of their bytes: a part that is left would be
/// told. The others change no text, so all of them stay.
void join_masks(safety_findings& found, const safety_rules& rules) {
  std::stable_sort(found.begin(), found.end(),
                   [](const auto& a, const auto& b) { return a.begin < b.begin; });
  constexpr auto none = static_cast<std::size_t>(-1);
  safety_findings kept;
  std::size_t last = none; // of those that are masked
  for (const auto& one : found) {
    bool masks = rules.action_of(one.check) == safety_action::mask;
    if (!masks || last == none || kept[last].end <= one.begin) {
      if (masks)
        last = kept.size();
      kept.push_back(one);
      continue;
    }
    auto& joined = kept[last];
    joined.end = std::max(joined.end, one.end);
    if (one.check < joined.check) {
      joined.check = one.check;
      joined.what = one.what;
    }
  }
  found = std::move(kept);
}

} // namespace

bool safety_rules::is_off() const {
  return std::all_of(actions.begin(), actions.end(),
                     [](auto action) { return action == safety_action::off; });
}

safety_findings scan(std::string_view text, const safety_rules& rules, std::size_t before) {
  safety_findings found;
  auto wants = [&](safety_check check) { return rules.action_of(check) != safety_action::off; };
  if (wants(safety_check::encoding))
    find_bad_bytes(text, before, found);
  if (wants(safety_check::secret))
    find_secrets(text, found);
  if (wants(safety_check::email))
    find_emails(text, found);
  if (wants(safety_check::card))
    find_cards(text, found);
  if (wants(safety_check::iban))
    find_ibans(text, found);
  if (wants(safety_check::denied))
    find_denied(text, rules, found);
  if (wants(safety_check::injection))
    find_injections(text, found);
  join_masks(found, rules);
  return found;
}

bool is_too_long(std::size_t bytes, const safety_rules& rules) {
  return rules.action_of(safety_check::size) != safety_action::off && rules.bytes_max != 0
         && bytes > rules.bytes_max;
}

std::string too_long_text(const safety_rules& rules, std::size_t offset) {
  return "more bytes than allowed at byte " + std::to_string(offset + rules.bytes_max);
}

std::size_t open_from(std::string_view text, const safety_rules& rules) {
  auto wants = [&](safety_check check) { return rules.action_of(check) != safety_action::off; };
  auto end = text.size();
  if (wants(safety_check::secret))
    end = std::min(end, secrets_open_from(text));
  if (wants(safety_check::email) || wants(safety_check::card) || wants(safety_check::iban))
    end = std::min(end, personal_data_open_from(text));
  if (wants(safety_check::denied) && rules.denied)
    end = std::min(end, rules.denied->open_from(text));
  if (wants(safety_check::injection))
    end = std::min(end, injections_open_from(text));
  return wants(safety_check::encoding) ? std::min(end, split_from(text)) : end;
}

std::string place_text(const safety_finding& found, std::size_t offset) {
  return std::string{found.what} + " at byte " + std::to_string(offset + found.begin);
}

std::string with_masks(std::string_view text, std::size_t offset, const safety_findings& found,
                       const safety_rules& rules, placeholders& masked) {
  std::string made;
  std::size_t from = offset;
  auto end = offset + text.size();
  for (const auto& one : found) {
    if (one.end <= from || one.end > end || rules.action_of(one.check) != safety_action::mask)
      continue;
    auto begin = std::max(one.begin, from); // of a word that was too long to be kept
    made.append(text.substr(from - offset, begin - from));
    made += masked.of(one.check, text.substr(begin - offset, one.end - begin));
    from = one.end;
  }
  return made.append(text.substr(from - offset));
}

safety_outcome check_text(std::string_view text, const safety_rules& rules, placeholders& masked,
                          std::size_t offset) {
  safety_outcome made;
  if (is_too_long(text.size(), rules)) {
    ++made.found[static_cast<std::size_t>(safety_check::size)];
    if (rules.action_of(safety_check::size) == safety_action::block) {
      made.blocked_by = safety_check::size;
      made.why = too_long_text(rules, offset);
      return made;
    }
  }
  auto found = scan(text, rules);
  for (const auto& one : found) {
    ++made.found[static_cast<std::size_t>(one.check)];
    if (rules.action_of(one.check) != safety_action::block || made.blocked_by)
      continue;
    made.blocked_by = one.check;
    made.why = place_text(one, offset);
  }
  if (!made.blocked_by && found.size() > limits::safety_findings_max) {
    made.blocked_by = found.front().check;
    made.why = "more than " + std::to_string(limits::safety_findings_max) + " findings";
  }
  if (made.blocked_by)
    return made;
  masked.reserve(text);
  made.text = with_masks(text, 0, found, rules, masked);
  return made;
}

} // namespace troupe
