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

void find_size(std::string_view text, const safety_rules& rules, safety_findings& into) {
  if (rules.bytes_max != 0 && text.size() > rules.bytes_max)
    into.push_back({safety_check::size, rules.bytes_max, text.size(), "more bytes than allowed"});
}

void find_bad_bytes(std::string_view text, safety_findings& into) {
  if (auto at = find_bad_utf8(text))
    into.push_back({safety_check::encoding, *at, *at + 1, "a byte that is not UTF-8"});
}

/// The more severe first, then the longer.
bool counts_more(const safety_finding& a, const safety_finding& b, const safety_rules& rules) {
  auto severe = [&](const safety_finding& one) { return rules.action_of(one.check); };
  if (severe(a) != severe(b))
    return severe(a) > severe(b);
  return a.end - a.begin > b.end - b.begin;
}

/// Of those that overlap, one stays.
void drop_overlaps(safety_findings& found, const safety_rules& rules) {
  std::stable_sort(found.begin(), found.end(),
                   [](const auto& a, const auto& b) { return a.begin < b.begin; });
  safety_findings kept;
  for (auto& one : found) {
    if (kept.empty() || kept.back().end <= one.begin)
      kept.push_back(one);
    else if (counts_more(one, kept.back(), rules))
      kept.back() = one;
  }
  found = std::move(kept);
}

} // namespace

bool safety_rules::is_off() const {
  return std::all_of(actions.begin(), actions.end(),
                     [](auto action) { return action == safety_action::off; });
}

safety_findings scan(std::string_view text, const safety_rules& rules) {
  safety_findings found;
  auto wants = [&](safety_check check) { return rules.action_of(check) != safety_action::off; };
  if (wants(safety_check::size))
    find_size(text, rules, found);
  if (wants(safety_check::encoding))
    find_bad_bytes(text, found);
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
  drop_overlaps(found, rules);
  return found;
}

std::string place_text(const safety_finding& found) {
  return std::string{found.what} + " at byte " + std::to_string(found.begin);
}

std::string with_masks(std::string_view text, std::size_t offset, const safety_findings& found,
                       const safety_rules& rules, placeholders& masked) {
  std::string made;
  std::size_t from = offset;
  auto end = offset + text.size();
  for (const auto& one : found) {
    if (one.begin < from || one.end > end || rules.action_of(one.check) != safety_action::mask)
      continue;
    made.append(text.substr(from - offset, one.begin - from));
    made += masked.of(one.check, text.substr(one.begin - offset, one.end - one.begin));
    from = one.end;
  }
  return made.append(text.substr(from - offset));
}

safety_outcome check_text(std::string_view text, const safety_rules& rules, placeholders& masked) {
  safety_outcome made;
  auto found = scan(text, rules);
  for (const auto& one : found) {
    ++made.found[static_cast<std::size_t>(one.check)];
    if (rules.action_of(one.check) != safety_action::block || made.blocked_by)
      continue;
    made.blocked_by = one.check;
    made.why = place_text(one);
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
