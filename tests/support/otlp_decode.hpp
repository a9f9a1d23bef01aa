#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

/// Reads the bytes of an ExportTraceServiceRequest with protobuf's wire-format reader. The field
/// numbers of opentelemetry-proto 1.10 are written out here, without our schema, so that a wrong
/// number in our schema shows up as a problem.
namespace troupe::tests {

using decoded_value = std::variant<std::monostate, std::string, bool, std::int64_t, double,
                                   std::vector<std::string>>; ///< the last one is an array of texts
using decoded_attributes = std::map<std::string, decoded_value>;

struct decoded_event {
  std::uint64_t time_unix_nano = 0;
  std::string name;
  decoded_attributes attributes;
};

struct decoded_link {
  std::string trace_id;
  std::string span_id;
  decoded_attributes attributes;
};

struct decoded_span {
  std::string trace_id; ///< lower-case hex, like all ids here
  std::string span_id;
  std::string parent_span_id; ///< empty for a root
  std::string name;
  std::uint64_t kind = 0;
  std::uint64_t start_time_unix_nano = 0;
  std::uint64_t end_time_unix_nano = 0;
  decoded_attributes attributes;
  std::vector<decoded_event> events;
  std::uint64_t dropped_events = 0;
  std::vector<decoded_link> links;
  std::uint64_t status_code = 0;
  std::string status_message;
  std::uint32_t flags = 0;
  decoded_attributes resource; ///< of its ResourceSpans
  std::string scope_name;
  std::string scope_version;
  std::string schema_url; ///< of the ResourceSpans and of the ScopeSpans: they must be the same
};

struct decoded_request {
  std::vector<decoded_span> spans;
  std::vector<std::string> problems; ///< fields or wire types that OTLP does not have, broken bytes
};

decoded_request decode_export_request(std::string_view bytes);

} // namespace troupe::tests
