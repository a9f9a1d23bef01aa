#pragma once

#include "messages/envelope.hpp"
#include "messages/spans.pb.h"

#include <cstdint>
#include <string_view>

namespace troupe {

/// As in OTLP.
enum class span_kind : std::uint32_t {
  internal = 1,
  server = 2,
  client = 3,
  producer = 4,
  consumer = 5
};

/// Begins a span below `parent` (a root if `parent.span` is zero). The caller gives its id.
SpanData begin_span(std::string_view name, span_kind kind, const trace_context& parent, span_id id,
                    instant start);

/// A key is in a span once: the last value counts. Bytes that are not UTF-8 become U+FFFD.
void set(SpanData& span, std::string_view key, std::string_view text);
void set(SpanData& span, std::string_view key, const char* text);
void set(SpanData& span, std::string_view key, std::int64_t integer);
void set(SpanData& span, std::string_view key, double number);
void set(SpanData& span, std::string_view key, bool flag);
/// A list of one text, for what the conventions require as an array, even of one element.
void set_list(SpanData& span, std::string_view key, std::string_view item);

/// Marks the span as failed: status error, with the code's name as `error.type`.
void set_failed(SpanData& span, const failure& why);

/// The context of what happens inside `span`.
trace_context context_of(const SpanData& span, const trace_context& parent);

} // namespace troupe
