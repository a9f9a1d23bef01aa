#include "tests/support/otlp_decode.hpp"

#include <google/protobuf/io/coded_stream.h>

#include <bit>
#include <functional>

namespace troupe::tests {

namespace {

using google::protobuf::io::CodedInputStream;

constexpr int varint = 0, fixed64 = 1, bytes_field = 2, fixed32 = 5;

/// One field as on the wire.
struct wire_field {
  int number = 0;
  int type = 0;
  std::uint64_t number_value = 0; ///< varint, fixed64 and fixed32
  std::string bytes;              ///< length-delimited
};

using problems = std::vector<std::string>;
/// Reads the field and returns true if the message has a field with that number and wire type.
using field_reader = std::function<bool(const wire_field&)>;

bool read_value(CodedInputStream& in, wire_field& field) {
  std::uint32_t small = 0;
  switch (field.type) {
    case varint:
      return in.ReadVarint64(&field.number_value);
    case fixed64:
      return in.ReadLittleEndian64(&field.number_value);
    case fixed32:
      if (!in.ReadLittleEndian32(&small))
        return false;
      field.number_value = small;
      return true;
    case bytes_field:
      return in.ReadVarint32(&small) && in.ReadString(&field.bytes, static_cast<int>(small));
    default:
      return false;
  }
}

void read_fields(std::string_view message, std::string_view bytes, problems& wrong,
                 const field_reader& read) {
  CodedInputStream in{reinterpret_cast<const std::uint8_t*>(bytes.data()),
                      static_cast<int>(bytes.size())};
  while (auto tag = in.ReadTag()) {
    wire_field field{static_cast<int>(tag >> 3), static_cast<int>(tag & 7), 0, {}};
    auto where = std::string{message} + ": field " + std::to_string(field.number) + ", wire type "
                 + std::to_string(field.type);
    if (!read_value(in, field)) {
      wrong.push_back(where + " is broken");
      return;
    }
    if (!read(field))
      wrong.push_back(where + " is unknown");
  }
  if (in.CurrentPosition() != static_cast<int>(bytes.size()))
    wrong.push_back(std::string{message} + ": trailing bytes");
}

std::string hex(const std::string& bytes) {
  constexpr char digits[] = "0123456789abcdef";
  std::string text;
  for (unsigned char c : bytes) {
    text.push_back(digits[c >> 4]);
    text.push_back(digits[c & 15]);
  }
  return text;
}

bool is(const wire_field& field, int number, int type) {
  return field.number == number && field.type == type;
}

bool take(const wire_field& field, int number, std::string& to) {
  return is(field, number, bytes_field) ? (to = field.bytes, true) : false;
}

bool take(const wire_field& field, int number, int type, std::uint64_t& to) {
  return is(field, number, type) ? (to = field.number_value, true) : false;
}

decoded_value read_any_value(const std::string& bytes, problems& wrong);

std::vector<std::string> read_texts(const std::string& bytes, problems& wrong) {
  std::vector<std::string> texts;
  read_fields("ArrayValue", bytes, wrong, [&](const wire_field& field) {
    if (!is(field, 1, bytes_field))
      return false;
    auto value = read_any_value(field.bytes, wrong);
    auto text = std::get_if<std::string>(&value);
    if (text)
      texts.push_back(*text);
    return text != nullptr;
  });
  return texts;
}

decoded_value read_any_value(const std::string& bytes, problems& wrong) {
  decoded_value value;
  read_fields("AnyValue", bytes, wrong, [&](const wire_field& field) {
    if (is(field, 1, bytes_field))
      value = field.bytes;
    else if (is(field, 2, varint))
      value = field.number_value != 0;
    else if (is(field, 3, varint))
      value = static_cast<std::int64_t>(field.number_value);
    else if (is(field, 4, fixed64))
      value = std::bit_cast<double>(field.number_value);
    else if (is(field, 5, bytes_field))
      value = read_texts(field.bytes, wrong);
    else
      return false;
    return true;
  });
  return value;
}

void read_attribute(const std::string& bytes, decoded_attributes& to, problems& wrong) {
  std::string key, value;
  read_fields("KeyValue", bytes, wrong, [&](const wire_field& field) {
    return take(field, 1, key) || take(field, 2, value);
  });
  if (!to.emplace(key, read_any_value(value, wrong)).second)
    wrong.push_back("attribute " + key + " stands there twice");
}

void read_status(const std::string& bytes, decoded_span& to, problems& wrong) {
  read_fields("Status", bytes, wrong, [&](const wire_field& field) {
    return take(field, 2, to.status_message) || take(field, 3, varint, to.status_code);
  });
}

void read_event(const std::string& bytes, decoded_span& to, problems& wrong) {
  auto& added = to.events.emplace_back();
  read_fields("Event", bytes, wrong, [&](const wire_field& field) {
    if (is(field, 3, bytes_field))
      return read_attribute(field.bytes, added.attributes, wrong), true;
    return take(field, 1, fixed64, added.time_unix_nano) || take(field, 2, added.name);
  });
}

void read_link(const std::string& bytes, decoded_span& to, problems& wrong) {
  auto& added = to.links.emplace_back();
  std::string trace, span;
  std::uint64_t flags = 0;
  read_fields("Link", bytes, wrong, [&](const wire_field& field) {
    if (is(field, 4, bytes_field))
      return read_attribute(field.bytes, added.attributes, wrong), true;
    return take(field, 1, trace) || take(field, 2, span) || take(field, 6, fixed32, flags);
  });
  added.trace_id = hex(trace);
  added.span_id = hex(span);
}

void read_span(const std::string& bytes, decoded_span& to, problems& wrong) {
  std::string trace, span, parent;
  std::uint64_t flags = 0;
  read_fields("Span", bytes, wrong, [&](const wire_field& field) {
    if (is(field, 9, bytes_field))
      return read_attribute(field.bytes, to.attributes, wrong), true;
    if (is(field, 11, bytes_field))
      return read_event(field.bytes, to, wrong), true;
    if (is(field, 13, bytes_field))
      return read_link(field.bytes, to, wrong), true;
    if (is(field, 15, bytes_field))
      return read_status(field.bytes, to, wrong), true;
    return take(field, 1, trace) || take(field, 2, span) || take(field, 4, parent)
           || take(field, 12, varint, to.dropped_events) || take(field, 5, to.name)
           || take(field, 6, varint, to.kind) || take(field, 7, fixed64, to.start_time_unix_nano)
           || take(field, 8, fixed64, to.end_time_unix_nano) || take(field, 16, fixed32, flags);
  });
  if (trace.size() != 16 || span.size() != 8 || (!parent.empty() && parent.size() != 8))
    wrong.push_back("span " + to.name + ": an id has the wrong length");
  to.trace_id = hex(trace);
  to.span_id = hex(span);
  to.parent_span_id = hex(parent);
  to.flags = static_cast<std::uint32_t>(flags);
}

void read_scope_spans(const std::string& bytes, decoded_request& to) {
  std::string name_text, version, schema;
  auto first = to.spans.size();
  read_fields("ScopeSpans", bytes, to.problems, [&](const wire_field& field) {
    if (is(field, 1, bytes_field)) {
      read_fields("InstrumentationScope", field.bytes, to.problems, [&](const wire_field& inner) {
        return take(inner, 1, name_text) || take(inner, 2, version);
      });
      return true;
    }
    if (take(field, 3, schema))
      return true;
    if (!is(field, 2, bytes_field))
      return false;
    read_span(field.bytes, to.spans.emplace_back(), to.problems);
    return true;
  });
  for (auto i = first; i < to.spans.size(); ++i) {
    to.spans[i].scope_name = name_text;
    to.spans[i].scope_version = version;
    to.spans[i].schema_url = schema;
  }
}

void read_resource_spans(const std::string& bytes, decoded_request& to) {
  decoded_attributes resource;
  std::string schema;
  auto first = to.spans.size();
  read_fields("ResourceSpans", bytes, to.problems, [&](const wire_field& field) {
    if (is(field, 1, bytes_field)) {
      read_fields("Resource", field.bytes, to.problems, [&](const wire_field& inner) {
        if (!is(inner, 1, bytes_field))
          return false;
        read_attribute(inner.bytes, resource, to.problems);
        return true;
      });
      return true;
    }
    if (take(field, 3, schema))
      return true;
    if (!is(field, 2, bytes_field))
      return false;
    read_scope_spans(field.bytes, to);
    return true;
  });
  for (auto i = first; i < to.spans.size(); ++i) {
    to.spans[i].resource = resource;
    if (to.spans[i].schema_url != schema)
      to.problems.push_back("the schema of a scope is \"" + to.spans[i].schema_url
                            + "\", and that of its resource \"" + schema + "\"");
  }
}

} // namespace

decoded_request decode_export_request(std::string_view bytes) {
  decoded_request decoded;
  read_fields("ExportTraceServiceRequest", bytes, decoded.problems, [&](const wire_field& field) {
    if (!is(field, 1, bytes_field))
      return false;
    read_resource_spans(field.bytes, decoded);
    return true;
  });
  return decoded;
}

} // namespace troupe::tests
