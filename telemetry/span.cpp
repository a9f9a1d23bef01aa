#include "telemetry/span.hpp"

#include "messages/spans.pb.h"
#include "telemetry/text_escape.hpp"

namespace troupe {

namespace {

/// The attribute with that key, made if it is missing: a key is in a span at most once.
SpanAttribute& attribute(SpanData& span, std::string_view key) {
  for (auto& known : *span.mutable_attributes())
    if (known.key() == key)
      return known;
  auto& added = *span.add_attributes();
  added.set_key(key.data(), key.size());
  return added;
}

} // namespace

SpanData begin_span(std::string_view name_text, span_kind kind, const trace_context& parent,
                    span_id id, instant start) {
  SpanData span;
  span.set_trace_hi(parent.trace.hi);
  span.set_trace_lo(parent.trace.lo);
  span.set_span(id.value);
  span.set_parent(parent.span.value);
  span.set_name(valid_utf8(name_text));
  span.set_kind(static_cast<std::uint32_t>(kind));
  span.set_start_ns(start.time_since_epoch().count());
  return span;
}

void set(SpanData& span, std::string_view key, std::string_view text) {
  attribute(span, key).set_text(valid_utf8(text));
}

void set(SpanData& span, std::string_view key, const char* text) {
  set(span, key, std::string_view{text});
}

void set(SpanData& span, std::string_view key, std::int64_t integer) {
  attribute(span, key).set_integer(integer);
}

void set(SpanData& span, std::string_view key, double number) {
  attribute(span, key).set_number(number);
}

void set(SpanData& span, std::string_view key, bool flag) { attribute(span, key).set_flag(flag); }

void set_list(SpanData& span, std::string_view key, std::string_view item) {
  attribute(span, key).mutable_texts()->add_items(valid_utf8(item));
}

void set_failed(SpanData& span, const failure& why) {
  span.set_failed(true);
  span.set_status_message(valid_utf8(why.message));
  set(span, "error.type", to_string(why.code));
}

trace_context context_of(const SpanData& span, const trace_context& parent) {
  return {{span.trace_hi(), span.trace_lo()}, {span.span()}, parent.flags};
}

} // namespace troupe
