#pragma once

#include "actors/llm/dialect.hpp"
#include "actors/llm/json_text.hpp"

#include <initializer_list>
#include <string>
#include <string_view>

/// What the bodies of both APIs are made of.
namespace troupe {

/// Adds the fields that Troupe does not know, unchanged. `where` they stand ("the request", "tool
/// `search`") is for the error; a field that is there already, or is one of `own`, is one.
result<void> add_passed_on(json_value& to, const std::string& passed_on, std::string_view where,
                           std::initializer_list<std::string_view> own = {});

/// The schema of a tool's parameters, or of an answer.
result<json_value> read_schema(const std::string& text, const std::string& where);

std::string to_base64(std::string_view bytes);

/// For data without a media type, or an image without a source.
result<void> check_image(const ImagePart& image);

/// "OpenAI's API has no ...": whoever asked has to leave it out, or ask somebody else.
unexpected<failure> cannot_say(std::string_view api, std::string_view what, const model_target& of);

/// The request. Its texts have to be UTF-8.
result<http_request> make_request(std::string path, std::vector<std::string> headers,
                                  const json_value& body);

} // namespace troupe
