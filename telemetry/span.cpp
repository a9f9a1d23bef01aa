#include "telemetry/span.hpp"

#include "config/limits/telemetry.hpp"
#include "config/prices.hpp"
#include "messages/spans.pb.h"
#include "telemetry/text_escape.hpp"

#include <algorithm>

namespace troupe {

namespace {

/// The attribute with that key, made if it is missing: a key is there at most once.
SpanAttribute& attribute(span_attributes& all, std::string_view key) {
  for (auto& known : all)
    if (known.key() == key)
      return known;
  auto& added = *all.Add();
  added.set_key(key.data(), key.size());
  return added;
}

std::string bounded_text(std::string_view text) {
  return valid_utf8(utf8_prefix(text, limits::span_text_bytes_max));
}

} // namespace

SpanData begin_span(std::string_view name_text, span_kind kind, const trace_context& parent,
                    span_id id, instant start) {
  SpanData span;
  span.set_trace_hi(parent.trace.hi);
  span.set_trace_lo(parent.trace.lo);
  span.set_span(id.value);
  span.set_parent(parent.span.value);
  span.set_parent_is_remote(parent.span && parent.remote());
  span.set_name(valid_utf8(name_text));
  span.set_kind(static_cast<std::uint32_t>(kind));
  span.set_start_ns(start.time_since_epoch().count());
  return span;
}

SpanData begin_span(const span_word& what, std::string_view variable, const trace_context& parent,
                    span_id id, instant start) {
  return begin_span(name_of(what, variable), what.kind, parent, id, start);
}

void set(span_attributes& all, std::string_view key, std::string_view text) {
  attribute(all, key).set_text(bounded_text(text));
}

void set(span_attributes& all, std::string_view key, const char* text) {
  set(all, key, std::string_view{text});
}

void set(span_attributes& all, std::string_view key, std::int64_t integer) {
  attribute(all, key).set_integer(integer);
}

void set(span_attributes& all, std::string_view key, double number) {
  attribute(all, key).set_number(number);
}

void set(span_attributes& all, std::string_view key, bool flag) {
  attribute(all, key).set_flag(flag);
}

bool has(const SpanData& span, std::string_view key) {
  return std::any_of(span.attributes().begin(), span.attributes().end(),
                     [key](const SpanAttribute& one) { return one.key() == key; });
}

void set_list(SpanData& span, std::string_view key, std::string_view item) {
  attribute(*span.mutable_attributes(), key).mutable_texts()->add_items(bounded_text(item));
}

void set_cost(SpanData& span, std::int64_t nano_dollars) {
  if (nano_dollars > 0)
    set(span, attr::cost, usd_of(nano_dollars));
}

void set_usage(SpanData& span, const model_usage& used) {
  set(span, attr::input_tokens, used.input_tokens);
  set(span, attr::output_tokens, used.output_tokens);
  set_cost(span, used.cost_nano_usd);
}

void set_failed(SpanData& span, const failure& why) {
  span.set_failed(true);
  span.set_status_message(bounded_text(why.message));
  set(span, attr::error_type, to_string(why.code));
}

SpanEvent event_at(const event_word& what, instant at) {
  SpanEvent made;
  made.set_name(what.name.data(), what.name.size());
  made.set_at_ns(at.time_since_epoch().count());
  return made;
}

void add(SpanData& span, SpanEvent happened) {
  if (span.events_size() >= limits::span_events_max)
    span.set_dropped_events(span.dropped_events() + 1);
  else
    *span.add_events() = std::move(happened);
}

void add_log_event(SpanData& span, std::string_view level, std::string_view component,
                   std::string_view text, instant at) {
  auto line = event_at(happening::log, at);
  set(line, attr::log_level, level);
  set(line, attr::log_component, component);
  set(line, attr::log_message, text);
  add(span, std::move(line));
}

void add_link(SpanData& span, span_id other, std::string_view how) {
  auto& link = *span.add_links();
  link.set_trace_hi(span.trace_hi());
  link.set_trace_lo(span.trace_lo());
  link.set_span(other.value);
  set(link, attr::link, how);
}

void set_end(SpanData& span, instant at) {
  span.set_end_ns(std::max(at.time_since_epoch().count(), span.start_ns() + 1));
}

trace_context context_of(const SpanData& span, const trace_context& parent) {
  auto here = static_cast<std::uint8_t>(parent.flags & ~unsigned{trace_context::flag_remote});
  return {{span.trace_hi(), span.trace_lo()}, {span.span()}, here};
}

} // namespace troupe
