#include "actors/llm/api_error.hpp"

#include "actors/llm/json_text.hpp"
#include "config/limits/dialects.hpp"
#include "telemetry/text_escape.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <utility>

namespace troupe {

namespace {

constexpr std::string_view hidden = "***";

bool is_one_of(std::string_view text, std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), text) != words.end();
}

/// A run of characters that keys are made of.
bool is_key_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-'
         || c == '_' || c == '*';
}

/// Long, with letters and digits, and no name that providers give to requests and models.
bool looks_like_key(std::string_view word) {
  constexpr std::size_t key_bytes_min = 20;
  if (word.starts_with("sk-") || word.starts_with("sk_"))
    return true;
  auto has = [&](char first, char last) {
    return std::any_of(word.begin(), word.end(), [=](char c) { return c >= first && c <= last; });
  };
  constexpr std::array known{"req", "chatcmpl", "msg_", "gpt-", "claude-", "call_", "toolu_"};
  bool is_known = std::any_of(known.begin(), known.end(),
                              [&](const char* start) { return word.starts_with(start); });
  return word.size() >= key_bytes_min && !is_known && has('0', '9')
         && (has('a', 'z') || has('A', 'Z'));
}

std::string text_of(const json_value& of) {
  if (auto text = of.get_ptr<const std::string*>())
    return *text;
  return of.is_null() ? std::string{} : write_json(of).value_or(std::string{});
}

/// The first of the fields that is there.
std::string field(const json_value& object, std::initializer_list<const char*> names) {
  for (auto name : names)
    if (auto found = object.find(name); found != object.end() && !found->is_null())
      return text_of(*found);
  return {};
}

/// What the provider said, as the end of a sentence.
std::string its_words(const api_error& said, const model_target& of) {
  auto words = without_secrets(said.message, of);
  if (words.empty())
    words = without_secrets(said.code, of);
  return words.empty() ? std::string{} : ": " + in_quotes(words);
}

/// How long, as the header says it: whole seconds, or a date.
std::string time_to_wait(std::string_view retry_after) {
  if (retry_after.empty())
    return {};
  bool is_date = retry_after.find_first_not_of("0123456789") != retry_after.npos;
  auto when = one_line(retry_after);
  return "; it asks to wait " + (is_date ? "until " + when : when + " s");
}

bool is_about_quota(const api_error& said) {
  return is_one_of(said.code, {"insufficient_quota", "billing_error", "billing_hard_limit_reached",
                               "billing_not_active", "insufficient_balance"});
}

} // namespace

std::string without_secrets(std::string_view text, const model_target& of) {
  std::string made{text};
  if (of.hider)
    made = of.hider->without_keys(of.provider, std::move(made));
  for (std::size_t begin = 0; begin < made.size();) {
    auto end = begin;
    while (end < made.size() && is_key_character(made[end]))
      ++end;
    if (looks_like_key(std::string_view{made}.substr(begin, end - begin))) {
      made.replace(begin, end - begin, hidden);
      end = begin + hidden.size();
    }
    begin = end + 1;
  }
  return made;
}

api_error read_api_error(std::string_view body) {
  auto parsed = parse_json(body);
  if (!parsed)
    return {{}, std::string{body.substr(0, limits::error_body_bytes_max)}};
  const auto* object = &*parsed;
  if (object->is_array() && !object->empty()) // Google's
    object = &object->front();
  if (!object->is_object())
    return {{}, text_of(*object)};
  auto inner = object->find("error");
  if (inner != object->end() && inner->is_string()) // Ollama's
    return {{}, text_of(*inner)};
  if (inner != object->end() && inner->is_object())
    object = &*inner;
  // llama.cpp's and Google's code is the status again, as a number: the type says more.
  auto code = object->find("code");
  bool is_number = code != object->end() && code->is_number();
  auto named =
      is_number ? field(*object, {"type", "status"}) : field(*object, {"code", "type", "status"});
  return {named.empty() && is_number ? text_of(*code) : std::move(named),
          field(*object, {"message", "detail", "error_description", "type"})};
}

failure explain_error(const api_error& said, const model_target& of) {
  std::string whom{of.provider};
  auto words = its_words(said, of);
  if (is_about_quota(said))
    return {ec::refused, "there is no credit left with " + whom + words};
  if (is_one_of(said.code, {"overloaded_error", "rate_limit_error", "rate_limit_exceeded",
                            "unavailable_error"}))
    return {ec::overloaded, whom + " has too much to do" + words};
  if (is_one_of(said.code, {"authentication_error", "permission_error", "invalid_api_key"}))
    return {ec::refused, whom + " does not accept the key" + words};
  if (is_one_of(said.code, {"model_not_found", "DeploymentNotFound"}))
    return {ec::unknown_model, whom + " has no model " + std::string{of.model} + words};
  if (is_one_of(said.code,
                {"context_length_exceeded", "request_too_large", "exceed_context_size_error"}))
    return {ec::too_large, "the request is too long for " + whom + words};
  if (said.code == "invalid_request_error")
    return {ec::invalid_argument, whom + " finds the request wrong" + words};
  return {ec::provider_failed, whom + " answered with an error" + words};
}

failure explain_status(unsigned status, std::string_view retry_after, const api_error& said,
                       const model_target& of) {
  std::string whom{of.provider};
  auto answered = " (status " + std::to_string(status) + ")" + its_words(said, of);
  auto made = explain_error(said, of);
  auto is_named = made.code != ec::provider_failed && made.code != ec::invalid_argument;
  switch (status) {
    case 400:
    case 422:
      if (is_named)
        return made;
      return {ec::invalid_argument, whom + " finds the request wrong" + answered};
    case 401:
      return {ec::refused, whom + " does not accept the key" + answered + "; look at the key of"
                               + " the provider in the configuration"};
    case 402:
      return {ec::refused, "there is no credit left with " + whom + answered};
    case 403:
      return {ec::refused, whom + " does not allow this with that key" + answered};
    case 404:
      return {ec::unknown_model, whom + " has no model " + std::string{of.model}
                                     + ", or its base_url is wrong" + answered};
    case 408:
    case 504:
      return {ec::provider_failed, whom + " took too long by its own rules" + answered};
    case 413:
      return {ec::too_large, "the request is too long for " + whom + answered};
    case 429:
      if (made.code == ec::refused)
        return made;
      return {ec::overloaded,
              "too many requests for " + whom + answered + time_to_wait(retry_after)};
    case 503:
    case 529:
      return {ec::overloaded, whom + " has too much to do" + answered};
    default:
      break;
  }
  if (status >= 300 && status < 400)
    return {ec::invalid_argument, whom + " answered with a redirect (status "
                                      + std::to_string(status)
                                      + "), which is not followed: its base_url is not the address"
                                        " of the API"};
  if (is_named)
    return made;
  return {ec::provider_failed, whom + " answered with an error" + answered};
}

} // namespace troupe
