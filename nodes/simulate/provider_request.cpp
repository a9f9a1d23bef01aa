#include "nodes/simulate/provider_request.hpp"

#include "config/limits/simulate.hpp"
#include "nodes/simulate/json_view.hpp"

#include <xxhash.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>
#include <vector>

namespace troupe {

namespace {

/// How the answer is sent, and for whom: the answer itself does not depend on it.
constexpr std::array<std::string_view, 6> not_asked{"stream",   "stream_options", "user",
                                                    "metadata", "store",          "service_tier"};

constexpr std::size_t parser_bytes = 4'096; ///< at first; it grows with the bodies

template <class Number>
void put_number(std::string& out, char kind, Number number) {
  char bytes[sizeof number];
  std::memcpy(bytes, &number, sizeof number);
  out += kind;
  out.append(bytes, sizeof number);
}

void put_text(std::string& out, char kind, std::string_view text) {
  put_number(out, kind, static_cast<std::uint32_t>(text.size()));
  out += text;
}

void flatten(const json_element& e, std::string& out);

/// A sum over hashes of the fields: it does not depend on their order. `out` is scratch behind its
/// present end.
XXH128_hash_t sum_of_field(XXH128_hash_t sum, const simdjson::dom::key_value_pair& field,
                           std::string& out) {
  auto before = out.size();
  put_text(out, 'k', field.key);
  flatten(field.value, out);
  auto hash = XXH3_128bits(out.data() + before, out.size() - before);
  out.resize(before);
  return {sum.low64 + hash.low64, sum.high64 + hash.high64};
}

/// A value in a form that depends on nothing but the value. The depth is bounded by the parser.
void flatten(const json_element& e, std::string& out) {
  using simdjson::dom::element_type;
  switch (e.type()) {
    case element_type::ARRAY:
      out += '[';
      for (auto item : json_array(e))
        flatten(item, out);
      out += ']';
      break;
    case element_type::OBJECT: {
      XXH128_hash_t sum{};
      for (auto field : json_object(e))
        sum = sum_of_field(sum, field, out);
      put_number(out, '{', sum);
      break;
    }
    case element_type::STRING:
      put_text(out, 's', text_of(e));
      break;
    case element_type::INT64:
      put_number(out, 'i', std::int64_t(e));
      break;
    case element_type::UINT64:
      put_number(out, 'u', std::uint64_t(e));
      break;
    case element_type::DOUBLE:
      put_number(out, 'd', double(e));
      break;
    case element_type::BOOL:
      out += bool(e) ? 't' : 'f';
      break;
    case element_type::NULL_VALUE:
      out += 'n';
      break;
  }
}

void hash_fields(const json_object& body, provider_request& into) {
  thread_local std::string scratch;
  scratch.clear();
  auto begin = static_cast<std::uint64_t>(into.api) + 1;
  XXH128_hash_t sum{begin, begin};
  for (auto field : body)
    if (std::find(not_asked.begin(), not_asked.end(), field.key) == not_asked.end())
      sum = sum_of_field(sum, field, scratch);
  into.hash_lo = sum.low64;
  into.hash_hi = sum.high64;
}

std::string parse_error(simdjson::error_code error) {
  return std::string{"We could not parse the JSON body of your request: "}
         + simdjson::error_message(error);
}

/// Names the first field that has come before. Sorted, since a body may have millions of them.
checked refuse_twice(const json_object& body) {
  std::vector<std::pair<std::string_view, std::size_t>> keys; // with their places
  for (auto field : body)
    keys.emplace_back(field.key, keys.size());
  std::sort(keys.begin(), keys.end());
  const std::pair<std::string_view, std::size_t>* twice = nullptr;
  for (std::size_t i = 1; i < keys.size(); ++i)
    if (keys[i].first == keys[i - 1].first && (!twice || keys[i].second < twice->second))
      twice = &keys[i];
  if (twice)
    return wrong("The body has two fields '" + std::string{twice->first} + "'.");
  return {};
}

} // namespace

std::string_view to_string(provider_api api) {
  switch (api) {
    case provider_api::chat:
      return "chat";
    case provider_api::embeddings:
      return "embeddings";
    case provider_api::messages:
      return "messages";
    case provider_api::count:
      return "count";
  }
  return "";
}

outcome<provider_request, request_error> read_provider_request(provider_api api,
                                                               std::string_view body, bool strict) {
  thread_local simdjson::dom::parser parser;
  if (parser.max_depth() != limits::simulate_json_depth_max)
    if (auto error = parser.allocate(parser_bytes, limits::simulate_json_depth_max))
      return wrong(parse_error(error));
  json_element root;
  if (auto error = parser.parse(body.data(), body.size(), false).get(root))
    return wrong(parse_error(error));
  json_object object;
  if (root.get_object().get(object) != simdjson::SUCCESS)
    return wrong("The body must be a JSON object.");
  provider_request made;
  made.api = api;
  auto read = refuse_twice(object);
  hash_fields(object, made);
  if (read)
    read = api == provider_api::chat         ? read_openai(object, made)
           : api == provider_api::embeddings ? read_embeddings(object, made)
                                             : read_anthropic(object, made);
  if (read && strict)
    read = api == provider_api::chat         ? check_openai(object)
           : api == provider_api::embeddings ? check_embeddings(object)
                                             : check_anthropic(object, api == provider_api::count);
  if (!read)
    return unexpected{std::move(read.error())};
  if (made.input_tokens >= limits::simulate_cache_tokens_min) {
    if (api == provider_api::chat)
      find_openai_beginnings(object, made);
    else if (api == provider_api::messages)
      find_anthropic_beginnings(object, made);
  }
  return made;
}

} // namespace troupe
