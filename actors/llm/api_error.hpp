#pragma once

#include "actors/llm/dialect.hpp"

#include <string>
#include <string_view>

namespace troupe {

/// What a provider said about an error, in the words of its body.
struct api_error {
  std::string code;    ///< "insufficient_quota", "overloaded_error"; may be empty
  std::string message; ///< its own words, or the beginning of the body
};

/// Reads the error bodies of both APIs and of those that imitate them; anything else is quoted.
api_error read_api_error(std::string_view body);

/// Whether what follows is an answer.
constexpr bool is_good(unsigned status) noexcept { return status >= 200 && status < 300; }

/// Why there is no answer: what the status means, what the provider says, what to do.
failure explain_status(unsigned status, std::string_view retry_after, const api_error& said,
                       const model_target& of);

/// An error that came within a stream, or as a body with a good status.
failure explain_error(const api_error& said, const model_target& of);

/// `text` of that provider without its keys, nor what looks like one: servers repeat what they were
/// given, and some know keys of others.
std::string without_secrets(std::string_view text, const model_target& of);

} // namespace troupe
