#include "telemetry/otlp.hpp"

#include "messages/spans.pb.h"
#include "telemetry/otlp.pb.h"
#include "telemetry/text_escape.hpp"
#include "telemetry/trace_words.hpp"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/gzip_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <nlohmann/json.hpp>
#include <strings.h>

#include <algorithm>
#include <charconv>
#include <map>

namespace troupe {

namespace {

std::string big_endian(std::uint64_t value) {
  std::string bytes(8, '\0');
  for (std::size_t i = 0; i < 8; ++i)
    bytes[i] = static_cast<char>(value >> (56 - 8 * i));
  return bytes;
}

std::uint64_t unix_nano(std::int64_t ns) { return ns < 0 ? 0 : static_cast<std::uint64_t>(ns); }

void convert(const SpanAttribute& from, otlp::KeyValue& to) {
  to.set_key(from.key());
  auto& value = *to.mutable_value();
  switch (from.value_case()) {
    case SpanAttribute::kText:
      value.set_string_value(from.text());
      return;
    case SpanAttribute::kInteger:
      value.set_int_value(from.integer());
      return;
    case SpanAttribute::kNumber:
      value.set_double_value(from.number());
      return;
    case SpanAttribute::kFlag:
      value.set_bool_value(from.flag());
      return;
    case SpanAttribute::kTexts:
      for (const auto& item : from.texts().items())
        value.mutable_array_value()->add_values()->set_string_value(item);
      return;
    case SpanAttribute::VALUE_NOT_SET:
      return; // an empty AnyValue, which OTLP allows
  }
}

void convert(const SpanData& from, otlp::Span& to) {
  constexpr std::uint32_t sampled = 1; // a span that is not sampled is never recorded
  constexpr std::uint32_t remote_is_known = 0x100, parent_is_remote = 0x200;
  constexpr std::int32_t status_error = 2;
  to.set_trace_id(big_endian(from.trace_hi()) + big_endian(from.trace_lo()));
  to.set_span_id(big_endian(from.span()));
  if (from.parent() != 0)
    to.set_parent_span_id(big_endian(from.parent()));
  to.set_name(from.name());
  to.set_kind(static_cast<std::int32_t>(from.kind()));
  to.set_start_time_unix_nano(unix_nano(from.start_ns()));
  to.set_end_time_unix_nano(unix_nano(from.end_ns()));
  for (const auto& attribute : from.attributes())
    convert(attribute, *to.add_attributes());
  to.set_dropped_events_count(from.dropped_events());
  for (const auto& happened : from.events()) {
    auto& added = *to.add_events();
    added.set_time_unix_nano(unix_nano(happened.at_ns()));
    added.set_name(happened.name());
    for (const auto& attribute : happened.attributes())
      convert(attribute, *added.add_attributes());
  }
  for (const auto& link : from.links()) {
    auto& added = *to.add_links();
    added.set_trace_id(big_endian(link.trace_hi()) + big_endian(link.trace_lo()));
    added.set_span_id(big_endian(link.span()));
    added.set_flags(sampled);
    for (const auto& attribute : link.attributes())
      convert(attribute, *added.add_attributes());
  }
  if (from.failed()) {
    to.mutable_status()->set_code(status_error);
    to.mutable_status()->set_message(from.status_message());
  }
  to.set_flags(sampled | remote_is_known | (from.parent_is_remote() ? parent_is_remote : 0));
}

/// Writes the attributes of a resource, but those that the user has given: these come last.
class resource_writer {
public:
  resource_writer(const otlp_resource& from, otlp::Resource& to) : from_(from), to_(to) {}

  void text(std::string_view key, std::string_view value) {
    if (!value.empty() && !is_given(key))
      add(key).set_string_value(valid_utf8(value));
  }
  void number(std::string_view key, std::uint64_t value) {
    if (value != 0 && !is_given(key))
      add(key).set_int_value(static_cast<std::int64_t>(value));
  }
  void texts(std::string_view key, const std::vector<std::string>& values) {
    if (values.empty() || is_given(key))
      return;
    auto& list = *add(key).mutable_array_value();
    for (const auto& value : values)
      list.add_values()->set_string_value(value);
  }
  void given() {
    for (const auto& [key, value] : from_.others)
      add(key).set_string_value(valid_utf8(value));
  }

private:
  bool is_given(std::string_view key) const {
    return std::any_of(from_.others.begin(), from_.others.end(),
                       [&](const auto& other) { return other.first == key; });
  }
  otlp::AnyValue& add(std::string_view key) {
    auto& added = *to_.add_attributes();
    added.set_key(key.data(), key.size());
    return *added.mutable_value();
  }

  const otlp_resource& from_;
  otlp::Resource& to_;
};

/// A resource as it is added to the request, and where its spans go.
otlp::ScopeSpans& add_resource(otlp::ExportTraceServiceRequest& request,
                               const otlp_resource& from) {
  auto& spans = *request.add_resource_spans();
  spans.set_schema_url(std::string{schema_url});
  resource_writer add{from, *spans.mutable_resource()};
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
  auto& scoped = *spans.add_scope_spans();
  scoped.set_schema_url(std::string{schema_url});
  scoped.mutable_scope()->set_name("troupe");
  scoped.mutable_scope()->set_version(TROUPE_VERSION);
  return scoped;
}

/// Where the spans of a client go: it ran on this host, for this cluster.
otlp_resource resource_of_client(const otlp_resource& node, const SpanData& span) {
  otlp_resource client;
  client.cluster = node.cluster;
  client.host = node.host;
  client.addresses = node.addresses;
  client.service = span.service();
  client.pid = span.pid();
  return client;
}

} // namespace

std::string encode_otlp(const otlp_resource& from, std::span<const shared_span> batch) {
  otlp::ExportTraceServiceRequest request;
  std::map<std::pair<std::string, std::uint64_t>, otlp::ScopeSpans*> places; // by service, pid
  SpanData read; // reused: its strings keep their capacity
  for (const auto& span : batch) {
    if (!read.ParseFromString(span->bytes))
      continue;
    auto& place = places[{read.service(), read.pid()}];
    if (!place)
      place =
          &add_resource(request, read.service().empty() ? from : resource_of_client(from, read));
    convert(read, *place->add_spans());
  }
  return request.SerializeAsString();
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

std::optional<otlp_accepted> decode_protobuf(std::string_view body) {
  otlp::ExportTraceServiceResponse answer;
  if (!answer.ParseFromArray(body.data(), static_cast<int>(body.size())))
    return std::nullopt;
  const auto& partial = answer.partial_success();
  auto rejected = std::max<std::int64_t>(0, partial.rejected_spans());
  return otlp_accepted{static_cast<std::uint64_t>(rejected), partial.error_message()};
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
