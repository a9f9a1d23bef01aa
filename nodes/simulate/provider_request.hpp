#pragma once

#include "config/base/result.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace troupe {

/// What is asked of a provider. Two dialects have chats: OpenAI's and Anthropic's.
enum class provider_api : std::uint8_t {
  chat,       ///< OpenAI: POST /v1/chat/completions
  embeddings, ///< OpenAI: POST /v1/embeddings
  messages,   ///< Anthropic: POST /v1/messages
  count,      ///< Anthropic: POST /v1/messages/count_tokens
};
std::string_view to_string(provider_api api);
inline bool is_anthropic(provider_api api) { return api >= provider_api::messages; }

/// A tool that the model may call, and arguments that fit its schema: a JSON object.
struct offered_tool {
  std::string name;
  std::string arguments;
};

/// A request, as far as an answer depends on it. The dialects have been read into one form.
struct provider_request {
  enum class tool_calling : std::uint8_t {
    none,     ///< call no tool
    if_named, ///< "auto": call the tools whose names the question holds
    must,     ///< call one, or the one of `tool_forced`
  };

  /// A beginning of the request that a provider may keep (prompt_cache.hpp).
  struct beginning {
    std::uint64_t tokens = 0;
    std::uint64_t hash = 0;
    bool is_marked = false; ///< it ends with Anthropic's `cache_control`
  };

  provider_api api = provider_api::chat;
  std::string model;
  std::string question;      ///< the text of the last message, if it is the user's
  bool answers_tool = false; ///< the last message is the result of a tool
  std::uint64_t input_tokens = 0;
  /// The longest one last. None if the request is too short to be kept.
  std::vector<beginning> beginnings;

  bool stream = false;
  bool stream_usage = false;
  std::optional<std::uint64_t> tokens_max;
  std::uint64_t choices = 1;
  std::vector<std::string> stops;
  bool logprobs = false;
  std::uint64_t top_logprobs = 0;
  bool thinks = false; ///< reasoning effort, or Anthropic's thinking

  std::vector<offered_tool> tools;
  tool_calling tool_choice = tool_calling::if_named;
  std::string tool_forced;
  bool parallel_tools = true;
  std::string json_answer; ///< a value that fits the wanted schema; empty: text is wanted

  std::vector<std::pair<std::uint64_t, std::uint64_t>> inputs; ///< embeddings: hash, tokens
  std::uint64_t dimensions = 0;
  bool base64 = false;

  /// Of everything that the answer may depend on: 128 bits. Neither blanks nor the order of fields
  /// nor how the answer is sent (`stream`) count.
  std::uint64_t hash_hi = 0, hash_lo = 0;
};

/// What is wrong with a request, as providers say it.
struct request_error {
  unsigned status = 400;
  std::string type = "invalid_request_error";
  std::string message;
  std::string param; ///< the field, if there is one
  std::string code;
};

/// Reads a body. `limits::http_body_padding` bytes behind it are readable. With `strict`, refuses
/// what the real APIs refuse: wrong types, unknown fields, roles in a wrong order, a missing
/// `max_tokens` of Anthropic. Otherwise it takes what it can understand.
///
/// Texts are counted as a token for each four bytes begun, and four more a message.
outcome<provider_request, request_error> read_provider_request(provider_api api,
                                                               std::string_view body, bool strict);

} // namespace troupe
