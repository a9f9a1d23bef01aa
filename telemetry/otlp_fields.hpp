#pragma once

#include <protozero/types.hpp>

/// The numbers of the fields of opentelemetry-proto 1.10 that spans need. They are written and read
/// field by field (protozero): a message object for every value of every attribute of every span
/// costs more than all the rest of an export.
namespace troupe::otlp {

enum class export_request : protozero::pbf_tag_type { resource_spans = 1 };

enum class resource_spans : protozero::pbf_tag_type {
  resource = 1,
  scope_spans = 2,
  schema_url = 3
};
enum class resource : protozero::pbf_tag_type { attributes = 1 };

enum class scope_spans : protozero::pbf_tag_type { scope = 1, spans = 2, schema_url = 3 };
enum class scope : protozero::pbf_tag_type { name = 1, version = 2 };

enum class span : protozero::pbf_tag_type {
  trace_id = 1,
  span_id = 2,
  parent_span_id = 4,
  name = 5,
  kind = 6,
  start_time_unix_nano = 7,
  end_time_unix_nano = 8,
  attributes = 9,
  events = 11,
  dropped_events_count = 12,
  links = 13,
  status = 15,
  flags = 16,
};
enum class span_event : protozero::pbf_tag_type { time_unix_nano = 1, name = 2, attributes = 3 };
enum class span_link : protozero::pbf_tag_type {
  trace_id = 1,
  span_id = 2,
  attributes = 4,
  flags = 6,
};
enum class status : protozero::pbf_tag_type { message = 2, code = 3 };

enum class key_value : protozero::pbf_tag_type { key = 1, value = 2 };
enum class any_value : protozero::pbf_tag_type {
  string_value = 1,
  bool_value = 2,
  int_value = 3,
  double_value = 4,
  array_value = 5,
};
enum class array_value : protozero::pbf_tag_type { values = 1 };

enum class export_response : protozero::pbf_tag_type { partial_success = 1 };
enum class partial_success : protozero::pbf_tag_type { rejected_spans = 1, error_message = 2 };

} // namespace troupe::otlp
