#include "telemetry/otlp_span.hpp"

#include "messages/spans.pb.h"

#include <protozero/pbf_reader.hpp>

#include <array>

namespace troupe {

namespace {

using protozero::data_view;
using protozero::pbf_reader;

template <class Field>
using builder = protozero::basic_pbf_builder<std::string, Field>;

constexpr std::uint32_t sampled = 1; // a span that is not sampled is never recorded
constexpr std::uint32_t remote_is_known = 0x100, parent_is_remote = 0x200;
constexpr std::int32_t status_error = 2;

/// An id as OTLP wants it: the bytes of its numbers, the highest first.
template <std::size_t Size>
class id_bytes {
public:
  template <class... Number>
  explicit id_bytes(Number... numbers) {
    static_assert(sizeof...(numbers) * sizeof(std::uint64_t) == Size);
    std::size_t at = 0;
    for (std::uint64_t number : {numbers...})
      for (int shift = 56; shift >= 0; shift -= 8)
        bytes_[at++] = static_cast<char>(number >> shift);
  }
  data_view view() const { return {bytes_.data(), Size}; }

private:
  std::array<char, Size> bytes_{};
};
using trace_id_bytes = id_bytes<16>;
using span_id_bytes = id_bytes<8>;

std::uint64_t unix_nano(std::int64_t ns) { return ns < 0 ? 0 : static_cast<std::uint64_t>(ns); }

void write_texts(builder<otlp::any_value>& to, data_view bytes) {
  builder<otlp::array_value> list{to, otlp::any_value::array_value};
  for (pbf_reader from{bytes}; from.next(SpanTexts::kItemsFieldNumber);) {
    builder<otlp::any_value> item{list, otlp::array_value::values};
    item.add_string(otlp::any_value::string_value, from.get_view());
  }
}

/// `from` stands at one of the fields of the oneof `value`.
void write_value(builder<otlp::any_value>& to, pbf_reader& from) {
  switch (from.tag()) {
    case SpanAttribute::kTextFieldNumber:
      return to.add_string(otlp::any_value::string_value, from.get_view());
    case SpanAttribute::kIntegerFieldNumber:
      return to.add_int64(otlp::any_value::int_value, from.get_int64());
    case SpanAttribute::kNumberFieldNumber:
      return to.add_double(otlp::any_value::double_value, from.get_double());
    case SpanAttribute::kFlagFieldNumber:
      return to.add_bool(otlp::any_value::bool_value, from.get_bool());
    case SpanAttribute::kTextsFieldNumber:
      return write_texts(to, from.get_view());
    default:
      return from.skip();
  }
}

void write_attribute(builder<otlp::key_value>&& to, data_view bytes) {
  for (pbf_reader from{bytes}; from.next();) {
    if (from.tag() == SpanAttribute::kKeyFieldNumber) {
      to.add_string(otlp::key_value::key, from.get_view());
      continue;
    }
    builder<otlp::any_value> value{to, otlp::key_value::value};
    write_value(value, from);
  }
}

void write_event(builder<otlp::span_event>&& to, data_view bytes) {
  for (pbf_reader from{bytes}; from.next();) {
    switch (from.tag()) {
      case SpanEvent::kAtNsFieldNumber:
        to.add_fixed64(otlp::span_event::time_unix_nano, unix_nano(from.get_int64()));
        break;
      case SpanEvent::kNameFieldNumber:
        to.add_string(otlp::span_event::name, from.get_view());
        break;
      case SpanEvent::kAttributesFieldNumber:
        write_attribute({to, otlp::span_event::attributes}, from.get_view());
        break;
      default:
        from.skip();
    }
  }
}

void write_link(builder<otlp::span_link>&& to, data_view bytes) {
  std::uint64_t trace_hi = 0, trace_lo = 0, span = 0;
  for (pbf_reader from{bytes}; from.next();) {
    switch (from.tag()) {
      case SpanLink::kTraceHiFieldNumber:
        trace_hi = from.get_uint64();
        break;
      case SpanLink::kTraceLoFieldNumber:
        trace_lo = from.get_uint64();
        break;
      case SpanLink::kSpanFieldNumber:
        span = from.get_uint64();
        break;
      case SpanLink::kAttributesFieldNumber:
        write_attribute({to, otlp::span_link::attributes}, from.get_view());
        break;
      default:
        from.skip();
    }
  }
  to.add_bytes(otlp::span_link::trace_id, trace_id_bytes{trace_hi, trace_lo}.view());
  to.add_bytes(otlp::span_link::span_id, span_id_bytes{span}.view());
  to.add_fixed32(otlp::span_link::flags, sampled);
}

/// What becomes a field of OTLP together with others.
struct joint_fields {
  std::uint64_t trace_hi = 0, trace_lo = 0, span = 0, parent = 0;
  bool failed = false, has_remote_parent = false;
  data_view status_message{};
};

void write_joint(builder<otlp::span>& to, const joint_fields& all) {
  to.add_bytes(otlp::span::trace_id, trace_id_bytes{all.trace_hi, all.trace_lo}.view());
  to.add_bytes(otlp::span::span_id, span_id_bytes{all.span}.view());
  if (all.parent != 0)
    to.add_bytes(otlp::span::parent_span_id, span_id_bytes{all.parent}.view());
  if (all.failed) {
    builder<otlp::status> status{to, otlp::span::status};
    status.add_string(otlp::status::message, all.status_message);
    status.add_int32(otlp::status::code, status_error);
  }
  to.add_fixed32(otlp::span::flags,
                 sampled | remote_is_known | (all.has_remote_parent ? parent_is_remote : 0));
}

/// Reads one field into `all`. False: it is none of those.
bool gather(joint_fields& all, pbf_reader& from) {
  switch (from.tag()) {
    case SpanData::kTraceHiFieldNumber:
      all.trace_hi = from.get_uint64();
      return true;
    case SpanData::kTraceLoFieldNumber:
      all.trace_lo = from.get_uint64();
      return true;
    case SpanData::kSpanFieldNumber:
      all.span = from.get_uint64();
      return true;
    case SpanData::kParentFieldNumber:
      all.parent = from.get_uint64();
      return true;
    case SpanData::kParentIsRemoteFieldNumber:
      all.has_remote_parent = from.get_bool();
      return true;
    case SpanData::kFailedFieldNumber:
      all.failed = from.get_bool();
      return true;
    case SpanData::kStatusMessageFieldNumber:
      all.status_message = from.get_view();
      return true;
    default:
      return false;
  }
}

/// Fields that are in OTLP what they are here; all others are for nodes only.
void write_field(builder<otlp::span>& to, pbf_reader& from) {
  switch (from.tag()) {
    case SpanData::kNameFieldNumber:
      return to.add_string(otlp::span::name, from.get_view());
    case SpanData::kKindFieldNumber:
      return to.add_uint32(otlp::span::kind, from.get_uint32());
    case SpanData::kStartNsFieldNumber:
      return to.add_fixed64(otlp::span::start_time_unix_nano, unix_nano(from.get_int64()));
    case SpanData::kEndNsFieldNumber:
      return to.add_fixed64(otlp::span::end_time_unix_nano, unix_nano(from.get_int64()));
    case SpanData::kAttributesFieldNumber:
      return write_attribute({to, otlp::span::attributes}, from.get_view());
    case SpanData::kEventsFieldNumber:
      return write_event({to, otlp::span::events}, from.get_view());
    case SpanData::kDroppedEventsFieldNumber:
      return to.add_uint32(otlp::span::dropped_events_count, from.get_uint32());
    case SpanData::kLinksFieldNumber:
      return write_link({to, otlp::span::links}, from.get_view());
    default:
      return from.skip();
  }
}

} // namespace

void write_otlp_span(scope_spans_builder& to, const packed_span& span) {
  builder<otlp::span> made{to, otlp::scope_spans::spans};
  joint_fields all;
  for (pbf_reader from{span.bytes}; from.next();)
    if (!gather(all, from))
      write_field(made, from);
  write_joint(made, all);
}

} // namespace troupe
