#include "telemetry/span_ring.hpp"

#include "messages/spans.pb.h"

namespace troupe {

shared_span pack(const SpanData& span) {
  auto packed = std::make_shared<packed_span>();
  packed->trace = {span.trace_hi(), span.trace_lo()};
  packed->start_ns = span.start_ns();
  packed->root = span.parent() == 0;
  packed->service = span.service();
  packed->pid = span.pid();
  span.SerializeToString(&packed->bytes);
  return packed;
}

shared_span span_ring::add(shared_span span) {
  if (kept_max_ == 0)
    return span;
  if (slots_.size() < kept_max_) {
    slots_.push_back({std::move(span), nothing});
    append_to_trace(static_cast<std::uint32_t>(slots_.size() - 1));
    return nullptr;
  }
  auto index = static_cast<std::uint32_t>(oldest_);
  auto gone = forget(index);
  slots_[index] = {std::move(span), nothing};
  append_to_trace(index);
  oldest_ = (oldest_ + 1) % kept_max_;
  return gone;
}

shared_span span_ring::forget(std::uint32_t index) {
  auto& oldest = slots_[index];
  auto found = traces_.find(oldest.span->trace); // it is the first of its trace
  if (oldest.next_of_trace == nothing)
    traces_.erase(found);
  else
    found->second.first = oldest.next_of_trace;
  return std::move(oldest.span);
}

void span_ring::append_to_trace(std::uint32_t index) {
  auto& links = traces_[slots_[index].span->trace];
  if (links.last == nothing)
    links.first = index;
  else
    slots_[links.last].next_of_trace = index;
  links.last = index;
}

std::vector<shared_span> span_ring::spans_of(trace_id trace) const {
  std::vector<shared_span> found;
  auto known = traces_.find(trace);
  if (known == traces_.end())
    return found;
  for (auto at = known->second.first; at != nothing; at = slots_[at].next_of_trace)
    found.push_back(slots_[at].span);
  return found;
}

std::optional<trace_id> span_ring::last_trace() const {
  const packed_span* latest = nullptr;
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    const auto& span = *slots_[(oldest_ + i) % slots_.size()].span;
    if (span.root && (!latest || span.start_ns >= latest->start_ns))
      latest = &span;
  }
  if (!latest)
    return std::nullopt;
  return latest->trace;
}

} // namespace troupe
