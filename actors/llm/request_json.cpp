#include "actors/llm/request_json.hpp"

#include "config/limits/dialects.hpp"

#include <nlohmann/json.hpp>
#include <openssl/evp.h>

#include <algorithm>

namespace troupe {

result<void> add_passed_on(json_value& to, const std::string& passed_on, std::string_view where,
                           std::initializer_list<std::string_view> own) {
  if (passed_on.empty())
    return {};
  auto further = parse_json_object(passed_on);
  if (!further)
    return fail(ec::invalid_argument,
                "the further fields of " + std::string{where} + ": " + further.error());
  for (auto& [name, value] : further->items()) {
    if (to.contains(name) || std::find(own.begin(), own.end(), name) != own.end())
      return fail(ec::invalid_argument, "the further fields of " + std::string{where} + " hold "
                                            + in_quotes(name)
                                            + ", which the request says by itself");
    to[name] = std::move(value);
  }
  return {};
}

result<json_value> read_schema(const std::string& text, const std::string& where) {
  auto parsed = parse_json_object(text);
  if (!parsed)
    return fail(ec::invalid_argument, "the schema of " + where + ": " + parsed.error());
  return std::move(*parsed);
}

std::string to_base64(std::string_view bytes) {
  constexpr std::size_t from = 3, to = 4; // bytes become characters
  std::string made((bytes.size() + from - 1) / from * to + 1, '\0');
  auto size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(made.data()),
                              reinterpret_cast<const unsigned char*>(bytes.data()),
                              static_cast<int>(bytes.size()));
  made.resize(static_cast<std::size_t>(size));
  return made;
}

result<void> check_image(const ImagePart& image) {
  if (image.source_case() == ImagePart::SOURCE_NOT_SET)
    return fail(ec::invalid_argument, "an image has neither a URL nor data");
  if (image.has_data() && image.media_type().empty())
    return fail(ec::invalid_argument, "an image has no media type, such as image/png");
  if (image.data().size() > limits::image_bytes_max)
    return fail(ec::too_large, "an image has more than "
                                   + std::to_string(limits::image_bytes_max / limits::mib)
                                   + " MiB");
  return {};
}

unexpected<failure> cannot_say(std::string_view api, std::string_view what,
                               const model_target& of) {
  return fail(ec::invalid_argument, std::string{api} + " has no " + std::string{what}
                                        + ": leave that out, or ask another provider than "
                                        + std::string{of.provider});
}

result<http_request> make_request(std::string path, std::vector<std::string> headers,
                                  const json_value& body) {
  auto text = write_json(body);
  if (!text)
    return fail(ec::invalid_argument, "a text of the request is not UTF-8");
  http_request made;
  made.path = std::move(path);
  made.headers = std::move(headers);
  made.body = std::move(*text);
  return made;
}

} // namespace troupe
