#pragma once

#include "actors/llm/safety/safety_finding.hpp"

#include <cstddef>
#include <string_view>

namespace troupe {

/// Adds the keys and tokens in `text`, in order: those of model providers (OpenAI, Anthropic,
/// Google, Hugging Face, Groq, xAI), of clouds (AWS), GitHub, GitLab, npm, PyPI, Slack, Stripe and
/// SendGrid, JSON web tokens, private keys, and passwords in URLs.
///
/// Known by their beginning, alphabet and length. Where a token has a checksum, it must be right:
/// GitHub's and npm's last six characters are the CRC-32 of the rest in base 62
/// (https://github.blog/engineering/behind-githubs-new-authentication-token-formats, 2021). Where
/// it has none, it must look drawn: an example made of words or of one letter is none.
///
/// One pass; what begins nowhere like a secret costs a look-up in a table.
void find_secrets(std::string_view text, safety_findings& into);

/// Where a secret may have begun that goes on behind the end of `text`; its size if none has.
/// Within a word it may begin earlier: `word_from` tells.
std::size_t secrets_open_from(std::string_view text);

/// What none of the things contains that are found within a word, nor looks at beyond it.
inline constexpr std::string_view word_ends = " \t\r\n\"'<>?#";

/// Where the word begins that `end` is in or behind.
constexpr std::size_t word_from(std::string_view text, std::size_t end) {
  auto last = end == 0 ? text.npos : text.find_last_of(word_ends, end - 1);
  return last == text.npos ? 0 : last + 1;
}

} // namespace troupe
