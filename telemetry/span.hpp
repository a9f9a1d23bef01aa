#pragma once

#include "messages/envelope.hpp"
#include "messages/model_usage.hpp"
#include "messages/spans.pb.h"
#include "telemetry/trace_words.hpp"

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>

/// Building a span. A logic holds the SpanData while it works and gives it to `step_context::end`
/// (actors/logic.hpp), which sets the end. What spans, attributes and events there are, and what
/// they are called, is in trace_words.hpp. Pure: no clock, no ids of its own.
///
/// A span, event and link has bounded texts (`span_text_bytes_max`) and a span a bounded number of
/// events (`span_events_max`); what is beyond is cut or counted.
namespace troupe {

/// Begins a span below `parent` (a root if `parent.span` is zero). The caller gives its id.
SpanData begin_span(std::string_view name, span_kind kind, const trace_context& parent, span_id id,
                    instant start);

/// The same for a span of trace_words.hpp, called "task read" for the variable "read".
SpanData begin_span(const span_word& what, std::string_view variable, const trace_context& parent,
                    span_id id, instant start);

using span_attributes = google::protobuf::RepeatedPtrField<SpanAttribute>;

/// A key is there once: the last value counts. Bytes that are not UTF-8 become U+FFFD.
void set(span_attributes& all, std::string_view key, std::string_view text);
void set(span_attributes& all, std::string_view key, const char* text);
void set(span_attributes& all, std::string_view key, std::int64_t integer);
void set(span_attributes& all, std::string_view key, double number);
void set(span_attributes& all, std::string_view key, bool flag);

template <class Holder>
concept has_attributes = requires(Holder& holder) {
  { holder.mutable_attributes() } -> std::same_as<span_attributes*>;
};

/// Of a span, an event or a link.
template <has_attributes Holder, class Value>
void set(Holder& holder, std::string_view key, const Value& value) {
  if constexpr (std::integral<Value> && !std::same_as<Value, bool>)
    set(*holder.mutable_attributes(), key, static_cast<std::int64_t>(value));
  else
    set(*holder.mutable_attributes(), key, value);
}

/// Whether the span has an attribute with that key.
bool has(const SpanData& span, std::string_view key);

/// A list of one text, for what the conventions require as an array, even of one element.
void set_list(SpanData& span, std::string_view key, std::string_view item);

/// If there is any.
void set_cost(SpanData& span, std::int64_t nano_dollars);

/// Tokens and cost.
void set_usage(SpanData& span, const model_usage& used);

/// Marks the span as failed: status error, with the code's name as `error.type`.
void set_failed(SpanData& span, const failure& why);

/// Something happened while the span lasted. The attributes are set on the event before it is
/// added.
SpanEvent event_at(const event_word& what, instant at);
void add(SpanData& span, SpanEvent happened);

/// A line of the log as an event of the span that it is about.
void add_log_event(SpanData& span, std::string_view level, std::string_view component,
                   std::string_view text, instant at);

/// `span` has to do with the span `other` of the same trace; `how` is a value of `troupe.link`.
void add_link(SpanData& span, span_id other, std::string_view how);

/// The span ends at `at`, and at least a nanosecond after its start: a span of no length is drawn
/// as a mistake.
void set_end(SpanData& span, instant at);

/// The context of what happens inside `span`.
trace_context context_of(const SpanData& span, const trace_context& parent);

} // namespace troupe
