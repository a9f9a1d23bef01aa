#include "telemetry/otlp.hpp"

#include "telemetry/otlp_fields.hpp"
#include "telemetry/otlp_span.hpp"
#include "telemetry/text_escape.hpp"
#include "telemetry/trace_words.hpp"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/gzip_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <nlohmann/json.hpp>
#include <protozero/pbf_builder.hpp>
#include <protozero/pbf_message.hpp>
#include <strings.h>

#include <algorithm>
#include <charconv>
#include <map>

namespace troupe {

namespace {

template <class Field>
using builder = protozero::basic_pbf_builder<std::string, Field>;

/// Writes the attributes of a resource, but those that the user has given: these come last.
class resource_writer {
public:
  resource_writer(const otlp_resource& from, builder<otlp::resource>& to) : from_(from), to_(to) {}

  void text(std::string_view key, std::string_view value) {
    if (!value.empty() && !is_given(key))
      add_text(key, value);
  }
  void number(std::string_view key, std::uint64_t value) {
    if (value != 0 && !is_given(key))
      add(key, [&](auto& to) {
        to.add_int64(otlp::any_value::int_value, static_cast<std::int64_t>(value));
      });
  }
  void texts(std::string_view key, const std::vector<std::string>& values) {
    if (values.empty() || is_given(key))
      return;
    add(key, [&](auto& to) {
      builder<otlp::array_value> list{to, otlp::any_value::array_value};
      for (const auto& value : values) {
        builder<otlp::any_value> item{list, otlp::array_value::values};
        item.add_string(otlp::any_value::string_value, value);
      }
    });
  }
  void given() {
    for (const auto& [key, value] : from_.others)
      add_text(key, value);
  }

private:
  bool is_given(std::string_view key) const {
    return std::any_of(from_.others.begin(), from_.others.end(),
                       [&](const auto& other) { return other.first == key; });
  }
  void add_text(std::string_view key, std::string_view value) {
    add(key, [&](auto& to) { to.add_string(otlp::any_value::string_value, valid_utf8(value)); });
  }
  template <class Write>
  void add(std::string_view key, const Write& write_value) {
    builder<otlp::key_value> pair{to_, otlp::resource::attributes};
    pair.add_string(otlp::key_value::key, key.data(), key.size());
    builder<otlp::any_value> value{pair, otlp::key_value::value};
    write_value(value);
  }

  const otlp_resource& from_;
  builder<otlp::resource>& to_;
};

void write_resource(builder<otlp::resource>&& to, const otlp_resource& from) {
  resource_writer add{from, to};
  add.text("service.name", from.service);
  if (from.node)
    add.text("service.instance.id", to_string(from.node));
  add.text("service.namespace", from.cluster);
  add.text("service.version", TROUPE_VERSION);
  add.text("host.name", from.host);
  add.texts("host.ip", from.addresses);
  if (!from.addresses.empty())
    add.text("ip", from.addresses.front()); // Jaeger 1 takes processes with the same for one host
  add.number("process.pid", from.pid);
  add.text(attr::node_name, from.node_name);
  add.number("troupe.node.incarnation", from.incarnation);
  add.text("telemetry.sdk.name", "troupe");
  add.text("telemetry.sdk.language", "cpp");
  add.text("telemetry.sdk.version", TROUPE_VERSION);
  add.given();
}

void add_schema(auto& to, auto field) {
  to.add_string(field, schema_url.data(), schema_url.size());
}

void write_scope(scope_spans_builder&& to, std::span<const packed_span* const> spans) {
  {
    builder<otlp::scope> scope{to, otlp::scope_spans::scope};
    scope.add_string(otlp::scope::name, "troupe");
    scope.add_string(otlp::scope::version, TROUPE_VERSION);
  }
  for (const auto* span : spans)
    write_otlp_span(to, *span);
  add_schema(to, otlp::scope_spans::schema_url);
}

/// Where the spans of a client go: it ran on this host, for this cluster.
otlp_resource resource_of_client(const otlp_resource& node, const packed_span& span) {
  otlp_resource client;
  client.cluster = node.cluster;
  client.host = node.host;
  client.addresses = node.addresses;
  client.service = span.service;
  client.pid = span.pid;
  return client;
}

} // namespace

std::string encode_otlp(const otlp_resource& from, std::span<const shared_span> batch) {
  std::map<std::pair<std::string_view, std::uint64_t>, std::vector<const packed_span*>> makers;
  for (const auto& span : batch)
    makers[{span->service, span->pid}].push_back(span.get());
  std::string bytes;
  builder<otlp::export_request> request{bytes};
  for (const auto& [maker, spans] : makers) {
    builder<otlp::resource_spans> of_one{request, otlp::export_request::resource_spans};
    write_resource({of_one, otlp::resource_spans::resource},
                   maker.first.empty() ? from : resource_of_client(from, *spans.front()));
    write_scope({of_one, otlp::resource_spans::scope_spans}, spans);
    add_schema(of_one, otlp::resource_spans::schema_url);
  }
  return bytes;
}

std::string gzip(std::string_view bytes) {
  std::string packed;
  google::protobuf::io::StringOutputStream into{&packed};
  google::protobuf::io::GzipOutputStream coder{&into};
  google::protobuf::io::CodedOutputStream out{&coder};
  out.WriteRaw(bytes.data(), static_cast<int>(bytes.size()));
  out.Trim();
  coder.Close();
  return packed;
}

namespace {

std::optional<otlp_accepted> decode_protobuf(std::string_view body) try {
  otlp_accepted said;
  protozero::pbf_message<otlp::export_response> answer{body.data(), body.size()};
  while (answer.next()) {
    if (answer.tag() != otlp::export_response::partial_success) {
      answer.skip();
      continue;
    }
    protozero::pbf_message<otlp::partial_success> partial{answer.get_message()};
    while (partial.next()) {
      if (partial.tag() == otlp::partial_success::rejected_spans)
        said.rejected = static_cast<std::uint64_t>(std::max<std::int64_t>(0, partial.get_int64()));
      else if (partial.tag() == otlp::partial_success::error_message)
        said.message = partial.get_string();
      else
        partial.skip();
    }
  }
  return said;
} catch (const protozero::exception&) { // some other kind of answer
  return std::nullopt;
}

/// {"partialSuccess": {"rejectedSpans": "5", "errorMessage": "..."}}: JSON writes 64 bits as text.
std::optional<otlp_accepted> decode_json(std::string_view body) {
  auto answer = nlohmann::json::parse(body, nullptr, false);
  if (!answer.is_object())
    return std::nullopt;
  otlp_accepted said;
  auto partial = answer.find("partialSuccess");
  if (partial == answer.end() || !partial->is_object())
    return said;
  if (auto message = partial->find("errorMessage"); message != partial->end())
    said.message = message->is_string() ? message->get<std::string>() : message->dump();
  if (auto count = partial->find("rejectedSpans"); count != partial->end()) {
    auto text = count->is_string() ? count->get<std::string>() : count->dump();
    std::from_chars(text.data(), text.data() + text.size(), said.rejected);
  }
  return said;
}

} // namespace

std::optional<otlp_accepted> decode_otlp_answer(std::string_view content_type,
                                                std::string_view body) {
  auto is = [&](std::string_view type) {
    return content_type.size() >= type.size()
           && ::strncasecmp(content_type.data(), type.data(), type.size()) == 0;
  };
  if (body.empty())
    return otlp_accepted{};
  if (is("application/json"))
    return decode_json(body);
  if (is("application/x-protobuf") || content_type.empty())
    return decode_protobuf(body);
  return std::nullopt;
}

} // namespace troupe
