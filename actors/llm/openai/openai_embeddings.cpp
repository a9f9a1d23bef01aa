#include "actors/llm/api_error.hpp"
#include "actors/llm/json_fields.hpp"
#include "actors/llm/openai/openai_dialect.hpp"
#include "actors/llm/request_json.hpp"
#include "config/base/count_of.hpp"
#include "config/limits/dialects.hpp"

#include <nlohmann/json.hpp>
#include <openssl/evp.h>

#include <bit>
#include <cstring>
#include <optional>

namespace troupe {

namespace {

/// Numbers as `encoding_format: base64` writes them: little-endian floats.
std::optional<Embedding> decode(const std::string& text) {
  static_assert(std::endian::native == std::endian::little);
  std::string bytes(text.size() / 4 * 3 + 1, '\0');
  auto size = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(bytes.data()),
                              reinterpret_cast<const unsigned char*>(text.data()),
                              static_cast<int>(text.size()));
  auto padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
  size -= padding; // OpenSSL counts it as bytes
  if (size < 0 || size % static_cast<int>(sizeof(float)) != 0)
    return std::nullopt;
  Embedding made;
  made.mutable_values()->Resize(size / static_cast<int>(sizeof(float)), 0);
  std::memcpy(made.mutable_values()->mutable_data(), bytes.data(), static_cast<std::size_t>(size));
  return made;
}

std::optional<Embedding> read_one(const json_value& from) {
  if (auto text = from.get_ptr<const std::string*>())
    return decode(*text);
  if (!from.is_array())
    return std::nullopt;
  Embedding made;
  made.mutable_values()->Reserve(static_cast<int>(from.size()));
  for (const auto& number : from) {
    if (!number.is_number())
      return std::nullopt;
    made.add_values(number.get<float>());
  }
  return made;
}

/// One vector for each input. The error says what is wrong.
outcome<EmbeddingAnswer, std::string> read_list(const json_value& body, std::size_t inputs) {
  std::string wrong;
  json_fields fields{body, wrong};
  EmbeddingAnswer made;
  auto list = fields.list("data");
  if (!list || list->size() != inputs)
    return unexpected<std::string>{"`data` has no vector for each of " + count_of(inputs, "text")};
  for (std::size_t i = 0; i < inputs; ++i)
    made.add_embeddings();
  for (std::size_t i = 0; i < inputs; ++i) {
    const auto& each = (*list)[i];
    if (!each.is_object())
      return unexpected<std::string>{"an element of `data` is no object"};
    json_fields one{each, wrong};
    auto index = one.any("index") ? one.count("index") : i;
    auto numbers = one.any("embedding");
    auto vector = numbers ? read_one(*numbers) : std::nullopt;
    if (index >= inputs || !vector || vector->values().empty()
        || !made.embeddings(static_cast<int>(index)).values().empty())
      return unexpected<std::string>{"element " + std::to_string(i) + " of `data` is no vector"};
    *made.mutable_embeddings(static_cast<int>(index)) = std::move(*vector);
  }
  if (auto usage = fields.object("usage"))
    made.set_input_tokens(json_fields{*usage, wrong}.count("prompt_tokens"));
  made.set_model(std::string{fields.text("model")});
  made.set_id(std::string{fields.text("id")});
  if (!wrong.empty())
    return unexpected{std::move(wrong)};
  return made;
}

} // namespace

result<http_request> openai_dialect::embed(const EmbeddingRequest& what,
                                           const model_target& of) const {
  if (what.inputs().empty())
    return fail(ec::invalid_argument, "there is no text to embed");
  json_value body;
  body["model"] = of.model;
  body["input"] = std::vector<std::string>{what.inputs().begin(), what.inputs().end()};
  if (what.dimensions() != 0)
    body["dimensions"] = what.dimensions();
  if (!what.user().empty())
    body["user"] = what.user();
  if (auto fine = add_passed_on(body, what.passed_on(), "the request"); !fine)
    return unexpected{std::move(fine).error()};
  return make_request("/embeddings", {"content-type: application/json"}, body);
}

result<EmbeddingAnswer> openai_dialect::read_embeddings(const EmbeddingRequest& what,
                                                        const model_target& of,
                                                        const http_response_head& head,
                                                        std::string_view body) const {
  if (head.status < 200 || head.status >= 300)
    return unexpected{explain_status(head.status, head.retry_after, read_api_error(body), of)};
  std::string whom{of.provider};
  auto quote = [&] {
    return in_quotes(without_secrets(body.substr(0, limits::error_body_bytes_max), of));
  };
  auto parsed = parse_json_object(body);
  if (!parsed)
    return fail(ec::provider_failed,
                whom + " sent what is no answer (" + parsed.error() + "): " + quote());
  if (parsed->contains("error"))
    return unexpected{explain_error(read_api_error(body), of)};
  auto read = read_list(*parsed, static_cast<std::size_t>(what.inputs().size()));
  if (!read)
    return fail(ec::provider_failed,
                whom + " sent what is no answer (" + read.error() + "): " + quote());
  read->set_provider(whom);
  if (read->model().empty())
    read->set_model(std::string{of.model});
  return std::move(*read);
}

} // namespace troupe
