#include "actors/llm/safety/secrets_in.hpp"

#include "config/limits/safety.hpp"

#include <algorithm>
#include <array>
#include <bitset>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string>

namespace troupe {

namespace {

constexpr std::size_t any_length = 4'000;

bool is_base62(char c) { return is_digit_byte(c) || is_letter_byte(c); }
bool is_url_safe(char c) { return is_base62(c) || c == '-' || c == '_'; }
bool is_dotted(char c) { return is_url_safe(c) || c == '.'; }
bool is_base32(char c) { return (c >= 'A' && c <= 'Z') || (c >= '2' && c <= '7'); }

/// At least ten different characters, two of them digits.
bool looks_drawn(std::string_view text) {
  std::bitset<256> seen;
  std::size_t digits = 0;
  for (auto c : text) {
    seen.set(static_cast<unsigned char>(c));
    digits += is_digit_byte(c);
  }
  constexpr std::size_t different_min = 10;
  return seen.count() >= different_min && digits >= 2;
}

bool looks_drawn_without_digits(std::string_view text) {
  std::bitset<256> seen;
  bool has_upper = false, has_lower = false;
  for (auto c : text) {
    seen.set(static_cast<unsigned char>(c));
    has_upper = has_upper || (c >= 'A' && c <= 'Z');
    has_lower = has_lower || (c >= 'a' && c <= 'z');
  }
  constexpr std::size_t different_min = 10;
  return seen.count() >= different_min && has_upper && has_lower;
}

std::uint32_t crc32_of(std::string_view text) {
  static const auto table = [] {
    std::array<std::uint32_t, 256> made{};
    for (std::uint32_t i = 0; i < made.size(); ++i) {
      auto value = i;
      for (int bit = 0; bit < 8; ++bit)
        value = (value & 1) != 0 ? (value >> 1) ^ 0xedb88320U : value >> 1;
      made[i] = value;
    }
    return made;
  }();
  std::uint32_t sum = ~std::uint32_t{0};
  for (auto c : text)
    sum = table[(sum ^ static_cast<unsigned char>(c)) & 0xff] ^ (sum >> 8);
  return ~sum;
}

/// The last six characters are the checksum of the others.
bool has_checksum(std::string_view rest) {
  constexpr std::string_view digits =
      "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  constexpr std::size_t length = 6;
  auto sum = crc32_of(rest.substr(0, rest.size() - length));
  std::array<char, length> expected{};
  constexpr std::uint32_t base = 62;
  for (auto at = expected.rbegin(); at != expected.rend(); ++at, sum /= base)
    *at = digits[sum % base];
  return rest.ends_with(std::string_view{expected.data(), expected.size()});
}

/// Three parts, of which the first is JSON with the algorithm.
bool is_web_token(std::string_view rest) {
  constexpr std::string_view alphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  if (std::count(rest.begin(), rest.end(), '.') != 2)
    return false;
  auto head_end = rest.find('.'), body_end = rest.find('.', head_end + 1);
  if (body_end - head_end < 4)
    return false;
  std::string head;
  std::uint32_t bits = 0;
  int count = 0;
  auto encoded = "eyJ" + std::string{rest.substr(0, head_end)};
  for (auto c : encoded) {
    auto value = alphabet.find(c);
    if (value == alphabet.npos)
      return false;
    bits = (bits << 6) | static_cast<std::uint32_t>(value);
    count += 6;
    if (count >= 8)
      head.push_back(static_cast<char>((bits >> (count -= 8)) & 0xff));
  }
  return head.find("\"alg\"") != head.npos;
}

struct secret_form {
  std::string_view begins, what;
  bool (*alphabet)(char);
  std::size_t length_min, length_max; ///< of what follows
  bool (*is_right)(std::string_view rest);
};

/// Longer beginnings before the shorter ones that they contain.
constexpr secret_form forms[] = {
    {"sk-ant-", "Anthropic key", is_url_safe, 40, 200, looks_drawn},
    {"sk-proj-", "OpenAI key", is_url_safe, 40, 300, looks_drawn},
    {"sk-svcacct-", "OpenAI key", is_url_safe, 40, 300, looks_drawn},
    {"sk-or-v1-", "OpenRouter key", is_base62, 64, 64, looks_drawn},
    {"sk-", "provider key", is_url_safe, 32, 200, looks_drawn},
    {"sk_live_", "Stripe key", is_base62, 24, 200, looks_drawn},
    {"sk_test_", "Stripe key", is_base62, 24, 200, looks_drawn},
    {"rk_live_", "Stripe key", is_base62, 24, 200, looks_drawn},
    {"gsk_", "Groq key", is_base62, 52, 52, looks_drawn},
    {"xai-", "xAI key", is_base62, 80, 80, looks_drawn},
    {"hf_", "Hugging Face token", is_base62, 34, 34, looks_drawn_without_digits},
    {"AIza", "Google key", is_url_safe, 35, 35, looks_drawn},
    {"GOCSPX-", "Google secret", is_url_safe, 28, 28, looks_drawn_without_digits},
    {"AKIA", "AWS key id", is_base32, 16, 16, looks_drawn_without_digits},
    {"ASIA", "AWS key id", is_base32, 16, 16, looks_drawn_without_digits},
    {"ghp_", "GitHub token", is_base62, 36, 36, has_checksum},
    {"gho_", "GitHub token", is_base62, 36, 36, has_checksum},
    {"ghu_", "GitHub token", is_base62, 36, 36, has_checksum},
    {"ghs_", "GitHub token", is_base62, 36, 36, has_checksum},
    {"ghr_", "GitHub token", is_base62, 36, 36, has_checksum},
    {"github_pat_", "GitHub token", is_url_safe, 82, 82, looks_drawn},
    {"glpat-", "GitLab token", is_url_safe, 20, 60, looks_drawn_without_digits},
    {"npm_", "npm token", is_base62, 36, 36, has_checksum},
    {"pypi-AgEIcHlwaS5vcmc", "PyPI token", is_url_safe, 50, 500, looks_drawn},
    {"xoxb-", "Slack token", is_url_safe, 20, 200, looks_drawn},
    {"xoxp-", "Slack token", is_url_safe, 20, 200, looks_drawn},
    {"xoxa-", "Slack token", is_url_safe, 20, 200, looks_drawn},
    {"SG.", "SendGrid key", is_dotted, 66, 66, looks_drawn},
    {"eyJ", "JSON web token", is_dotted, 20, any_length, is_web_token},
};

/// AWS's ids have no lower-case letters: other letters and digits do for them.
bool is_right(const secret_form& of, std::string_view rest) {
  if (of.alphabet != is_base32)
    return of.is_right(rest);
  std::bitset<256> seen;
  for (auto c : rest)
    seen.set(static_cast<unsigned char>(c));
  constexpr std::size_t different_min = 8;
  return seen.count() >= different_min && rest != "IOSFODNN7EXAMPLE";
}

constexpr auto begins_a_form = [] {
  std::array<bool, 256> made{};
  for (const auto& one : forms)
    made[static_cast<unsigned char>(one.begins.front())] = true;
  made[static_cast<unsigned char>('-')] = true; // of a private key
  made[static_cast<unsigned char>(':')] = true; // of "://user:password@"
  return made;
}();

/// The bytes of a secret at the beginning of `text`; 0: there is none.
std::size_t form_at(std::string_view text, const secret_form& of) {
  if (!text.starts_with(of.begins))
    return 0;
  auto rest = text.substr(of.begins.size());
  auto last = std::find_if_not(rest.begin(), rest.end(), of.alphabet);
  auto length = static_cast<std::size_t>(last - rest.begin());
  while (length > 0 && rest[length - 1] == '.')
    --length; // of the sentence
  if (length < of.length_min || length > of.length_max || !is_right(of, rest.substr(0, length)))
    return 0;
  return of.begins.size() + length;
}

constexpr std::string_view key_begin = "-----BEGIN ";

struct private_key_place {
  std::size_t length = 0; ///< 0: there is none
  bool is_open = false;   ///< what comes behind the text may change it
};

/// "-----BEGIN RSA PRIVATE KEY-----" up to the line of its end.
private_key_place private_key_at(std::string_view text) {
  constexpr std::string_view end = "-----END ", dashes = "-----";
  constexpr std::size_t title_max = 80;
  if (!text.starts_with(key_begin))
    return {};
  auto title = text.substr(key_begin.size(), title_max);
  auto title_end = title.find(dashes);
  if (title_end == title.npos)
    return {0, title.size() < title_max};
  if (title.substr(0, title_end).find("PRIVATE KEY") == title.npos)
    return {};
  auto last = text.find(end, key_begin.size() + title_end);
  auto close = last == text.npos ? text.npos : text.find(dashes, last + end.size());
  auto length = close == text.npos ? text.size() : close + dashes.size();
  bool is_open = close == text.npos && length < limits::private_key_bytes_max;
  return {std::min(length, limits::private_key_bytes_max), is_open};
}

constexpr std::string_view password_mark = "://";
constexpr std::size_t password_look_max = 200;

/// Where "user:password" ends in `part`, which begins with the mark; npos: it does not.
std::size_t password_end(std::string_view part) {
  auto at = part.find_first_of("/@", password_mark.size());
  return std::min(at, part.find_first_of(word_ends, password_mark.size()));
}

/// Behind a scheme: "://user:password@host" is a secret from the password to the @.
std::optional<std::pair<std::size_t, std::size_t>> password_at(std::string_view text) {
  if (!text.starts_with(password_mark))
    return std::nullopt;
  auto part = text.substr(0, password_look_max);
  auto ends = password_end(part);
  auto colon = part.find(':', password_mark.size());
  if (ends == part.npos || part[ends] != '@' || colon == part.npos || colon + 1 >= ends)
    return std::nullopt;
  auto word = part.substr(colon + 1, ends - colon - 1);
  constexpr std::size_t length_min = 6;
  bool is_example = word.size() < length_min || word == "password" || word == "passwd"
                    || word.find("PASSWORD") != word.npos
                    || word.find_first_of("${}[]()<>*") != word.npos;
  return is_example ? std::nullopt : std::optional{std::pair{colon + 1, ends}};
}

} // namespace

void find_secrets(std::string_view text, safety_findings& into) {
  for (std::size_t at = 0; at < text.size(); ++at) {
    auto c = text[at];
    if (!begins_a_form[static_cast<unsigned char>(c)])
      continue;
    auto here = text.substr(at);
    if (c == ':') {
      if (auto found = password_at(here)) {
        into.push_back(
            {safety_check::secret, at + found->first, at + found->second, "password in a URL"});
        at += found->second;
      }
      continue;
    }
    if (c == '-') {
      if (auto length = private_key_at(here).length; length > 0) {
        into.push_back({safety_check::secret, at, at + length, "private key"});
        at += length - 1;
      }
      continue;
    }
    if (at > 0 && is_word_byte(text[at - 1]))
      continue;
    for (const auto& form : forms)
      if (auto length = form_at(here, form); length > 0) {
        into.push_back({safety_check::secret, at, at + length, form.what});
        at += length - 1;
        break;
      }
  }
}

std::size_t secrets_open_from(std::string_view text) {
  auto end = text.size();
  if (!text.empty() && (is_dotted(text.back()) || text.back() == ':' || text.ends_with(":/")))
    --end;
  auto near = end > password_look_max ? end - password_look_max : 0;
  for (auto at = text.find(password_mark, near); at < end; at = text.find(password_mark, at + 1)) {
    auto part = text.substr(at, password_look_max);
    if (part.size() < password_look_max && password_end(part) == part.npos)
      end = at;
  }
  for (auto at = text.find(key_begin); at < end;) {
    auto key = private_key_at(text.substr(at));
    if (key.is_open)
      return at;
    at = text.find(key_begin, at + std::max<std::size_t>(key.length, 1));
  }
  return end;
}

} // namespace troupe
