#include "actors/llm/safety/personal_data.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <iterator>
#include <string>

namespace troupe {

namespace {

// -- e-mail ---------------------------------------------------------------------------------------

constexpr std::size_t local_part_max = 64, domain_max = 253, label_max = 63;

bool is_local_byte(char c) {
  return is_letter_byte(c) || is_digit_byte(c) || c == '.' || c == '_' || c == '%' || c == '+'
         || c == '-';
}
bool is_domain_byte(char c) {
  return is_letter_byte(c) || is_digit_byte(c) || c == '.' || c == '-';
}

bool is_example_domain(std::string_view domain) {
  std::string lower{domain};
  std::transform(lower.begin(), lower.end(), lower.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  for (std::string_view kept : {"example.com", "example.org", "example.net"})
    if (lower == kept || lower.ends_with("." + std::string{kept}))
      return true;
  constexpr std::string_view kept_tops[] = {".test", ".example", ".invalid", ".localhost",
                                            ".local"};
  return std::any_of(std::begin(kept_tops), std::end(kept_tops),
                     [&](std::string_view top) { return lower.ends_with(top); });
}

bool is_domain(std::string_view domain) {
  auto dot = domain.rfind('.');
  if (dot == domain.npos || dot == 0 || domain.size() > domain_max)
    return false;
  auto top = domain.substr(dot + 1);
  constexpr std::size_t top_min = 2, top_max = 24;
  if (top.size() < top_min || top.size() > top_max
      || !std::all_of(top.begin(), top.end(), is_letter_byte))
    return false;
  for (std::size_t begin = 0; begin < domain.size();) {
    auto end = std::min(domain.find('.', begin), domain.size());
    auto label = domain.substr(begin, end - begin);
    if (label.empty() || label.size() > label_max || label.front() == '-' || label.back() == '-')
      return false;
    begin = end + 1;
  }
  return !is_example_domain(domain);
}

// -- cards ----------------------------------------------------------------------------------------

constexpr std::size_t card_digits_min = 13, card_digits_max = 19;

bool has_check_digit(std::string_view digits) {
  int sum = 0;
  bool doubles = false;
  for (auto at = digits.rbegin(); at != digits.rend(); ++at, doubles = !doubles) {
    int value = *at - '0';
    if (doubles && (value *= 2) > 9)
      value -= 9;
    sum += value;
  }
  return sum % 10 == 0;
}

/// Whether one of the networks gives out such numbers.
bool is_of_network(std::string_view digits) {
  auto first = [&](std::size_t count) {
    int value = 0;
    for (auto c : digits.substr(0, count))
      value = value * 10 + (c - '0');
    return value;
  };
  auto within = [](int value, int low, int high) { return value >= low && value <= high; };
  auto length = digits.size();
  if (digits.front() == '4') // Visa
    return length == 13 || length == 16 || length == 19;
  if (within(first(2), 51, 55) || within(first(4), 2221, 2720)) // Mastercard
    return length == 16;
  if (first(2) == 34 || first(2) == 37) // American Express
    return length == 15;
  if (first(4) == 6011 || first(2) == 65 || within(first(3), 644, 649)) // Discover
    return length >= 16;
  if (within(first(4), 3528, 3589)) // JCB
    return length >= 16;
  if (first(2) == 36 || first(2) == 38 || within(first(3), 300, 305)) // Diners Club
    return length >= 14;
  return first(2) == 62 && length >= 16; // UnionPay
}

/// In one piece, or as they are printed: 4-4-4-4, 4-6-5, 4-6-4, 4-4-4-4-3.
bool are_groups_of_card(const std::string& groups) {
  return groups.size() == 1 || groups == "4444" || groups == "465" || groups == "464"
         || groups == "44443" || groups == "4441";
}

/// Digits, in groups with one separator between them.
struct number_run {
  std::string digits;
  std::string groups; ///< the length of each, as a digit; '9' for more
  std::size_t end = 0;
};

number_run read_number(std::string_view text, std::size_t begin) {
  number_run made;
  char separator = 0;
  std::size_t group = 0, at = begin;
  auto close = [&] {
    made.groups.push_back(static_cast<char>('0' + std::min<std::size_t>(group, 9)));
    group = 0;
  };
  for (; at < text.size() && made.digits.size() <= card_digits_max; ++at) {
    auto c = text[at];
    if (is_digit_byte(c)) {
      made.digits.push_back(c);
      ++group;
      continue;
    }
    bool goes_on = (c == ' ' || c == '-') && (separator == 0 || separator == c)
                   && at + 1 < text.size() && is_digit_byte(text[at + 1]) && group > 1;
    if (!goes_on)
      break;
    separator = c;
    close();
  }
  close();
  made.end = at;
  return made;
}

// -- accounts -------------------------------------------------------------------------------------

struct account_country {
  char name[3];
  std::uint8_t length;
};
/// The registry of ISO 13616 (SWIFT), release 99.
constexpr account_country account_countries[] = {
    {"AD", 24}, {"AE", 23}, {"AL", 28}, {"AT", 20}, {"AZ", 28}, {"BA", 20}, {"BE", 16}, {"BG", 22},
    {"BH", 22}, {"BR", 29}, {"BY", 28}, {"CH", 21}, {"CR", 22}, {"CY", 28}, {"CZ", 24}, {"DE", 22},
    {"DK", 18}, {"DO", 28}, {"EE", 20}, {"EG", 29}, {"ES", 24}, {"FI", 18}, {"FO", 18}, {"FR", 27},
    {"GB", 22}, {"GE", 22}, {"GI", 23}, {"GL", 18}, {"GR", 27}, {"GT", 28}, {"HR", 21}, {"HU", 28},
    {"IE", 22}, {"IL", 23}, {"IQ", 23}, {"IS", 26}, {"IT", 27}, {"JO", 30}, {"KW", 30}, {"KZ", 20},
    {"LB", 28}, {"LC", 32}, {"LI", 21}, {"LT", 20}, {"LU", 20}, {"LV", 21}, {"LY", 25}, {"MC", 27},
    {"MD", 24}, {"ME", 22}, {"MK", 19}, {"MR", 27}, {"MT", 31}, {"MU", 30}, {"NL", 18}, {"NO", 15},
    {"PK", 24}, {"PL", 28}, {"PS", 29}, {"PT", 25}, {"QA", 29}, {"RO", 24}, {"RS", 22}, {"SA", 24},
    {"SC", 31}, {"SE", 24}, {"SI", 19}, {"SK", 24}, {"SM", 27}, {"ST", 25}, {"SV", 28}, {"TL", 23},
    {"TN", 24}, {"TR", 26}, {"UA", 29}, {"VA", 22}, {"VG", 24}, {"XK", 20}};

std::size_t account_length(std::string_view country) {
  for (const auto& one : account_countries)
    if (country == std::string_view{one.name, 2})
      return one.length;
  return 0;
}

bool has_account_checksum(std::string_view account) {
  unsigned rest = 0;
  auto add = [&](char c) {
    if (is_digit_byte(c))
      rest = (rest * 10 + static_cast<unsigned>(c - '0')) % 97;
    else
      rest = (rest * 100 + static_cast<unsigned>(c - 'A' + 10)) % 97;
  };
  constexpr std::size_t head = 4;
  for (auto c : account.substr(head))
    add(c);
  for (auto c : account.substr(0, head))
    add(c);
  return rest == 1;
}

bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }

/// Where the account ends that begins there; 0: none does.
std::size_t account_at(std::string_view text, std::size_t begin) {
  auto here = text.substr(begin);
  constexpr std::size_t head = 4;
  if (here.size() < head || !is_upper(here[1]) || !is_digit_byte(here[2])
      || !is_digit_byte(here[3]))
    return 0;
  auto length = account_length(here.substr(0, 2));
  std::string account;
  std::size_t at = 0;
  bool has_spaces = here.size() > head && here[head] == ' ';
  for (; at < here.size() && account.size() < length; ++at) {
    auto c = here[at];
    if (has_spaces && c == ' ' && account.size() % head == 0 && !account.empty()
        && here[at - 1] != ' ')
      continue;
    if (!is_upper(c) && !is_digit_byte(c))
      return 0;
    account.push_back(c);
  }
  if (length == 0 || account.size() < length || (at < here.size() && is_word_byte(here[at])))
    return 0;
  return has_account_checksum(account) ? begin + at : 0;
}

/// Where digits and capitals begin that stand in groups at the end: cards and accounts.
std::size_t groups_open_from(std::string_view text) {
  constexpr std::size_t longest = 44; // 34 characters of an account, and the spaces between them
  auto may_be = [](char c) { return is_digit_byte(c) || is_upper(c) || c == ' ' || c == '-'; };
  auto size = text.size();
  auto behind = size > 0 && text.back() == '.' ? size - 1 : size; // a digit may follow the dot
  auto least = behind > longest ? behind - longest : 0;
  auto at = behind;
  bool has_digit = false;
  while (at > least && may_be(text[at - 1])
         && (at == behind || text[at - 1] != ' ' || text[at] != ' ')) {
    --at;
    has_digit = has_digit || is_digit_byte(text[at]);
  }
  while (at < behind && (text[at] == ' ' || text[at] == '-'))
    ++at;
  return has_digit ? at : size;
}

} // namespace

void find_emails(std::string_view text, safety_findings& into) {
  std::size_t after = 0;
  for (auto at = text.find('@'); at != text.npos; at = text.find('@', at + 1)) {
    auto begin = at;
    while (begin > after && at - begin < local_part_max + 1 && is_local_byte(text[begin - 1]))
      --begin;
    while (begin < at && (text[begin] == '.' || text[begin] == '-' || text[begin] == '%'))
      ++begin;
    auto end = at + 1;
    while (end < text.size() && end - at <= domain_max && is_domain_byte(text[end]))
      ++end;
    while (end > at + 1 && (text[end - 1] == '.' || text[end - 1] == '-'))
      --end;
    bool is_local = begin < at && at - begin <= local_part_max && text[at - 1] != '.';
    if (!is_local || !is_domain(text.substr(at + 1, end - at - 1)))
      continue;
    into.push_back({safety_check::email, begin, end, "e-mail address"});
    after = end;
  }
}

void find_cards(std::string_view text, safety_findings& into) {
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (!is_digit_byte(text[at]))
      continue;
    bool touches =
        at > 0 && (is_word_byte(text[at - 1]) || text[at - 1] == '.' || text[at - 1] == '-');
    auto run = read_number(text, at);
    auto is_longer = run.end < text.size()
                     && (is_word_byte(text[run.end])
                         || ((text[run.end] == '.' || text[run.end] == '-')
                             && run.end + 1 < text.size() && is_word_byte(text[run.end + 1])));
    if (!touches && !is_longer && run.digits.size() >= card_digits_min
        && run.digits.size() <= card_digits_max && are_groups_of_card(run.groups)
        && is_of_network(run.digits) && has_check_digit(run.digits))
      into.push_back({safety_check::card, at, run.end, "card number"});
    at = std::max(run.end, at + 1) - 1;
  }
}

void find_ibans(std::string_view text, safety_findings& into) {
  for (std::size_t at = 0; at + 1 < text.size(); ++at) {
    if (!is_upper(text[at]) || (at > 0 && is_word_byte(text[at - 1])))
      continue;
    if (auto end = account_at(text, at); end > 0) {
      into.push_back({safety_check::iban, at, end, "bank account"});
      at = end - 1;
    }
  }
}

std::size_t personal_data_open_from(std::string_view text) {
  if (text.empty())
    return 0;
  auto last = text.back();
  bool is_inside = is_local_byte(last) || last == '@';
  return std::min(groups_open_from(text), text.size() - (is_inside ? 1 : 0));
}

} // namespace troupe
