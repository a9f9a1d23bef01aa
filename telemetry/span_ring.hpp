#pragma once

#include "messages/envelope.hpp"
#include "messages/spans.pb.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace troupe {

/// A finished span as its protobuf bytes, which take a seventh of the memory of the message object
/// (16 allocations) and are cheaper to throw away later. What finds the span, and says who made it,
/// is kept beside the bytes.
struct packed_span {
  trace_id trace;
  std::int64_t start_ns = 0;
  bool root = false;
  std::string service; ///< of the client that made it; empty: a node
  std::uint64_t pid = 0;
  std::string bytes;
};
using shared_span = std::shared_ptr<const packed_span>;

shared_span pack(const SpanData& span);

/// The last spans of a node, found by trace. Bounded by count: the oldest goes when a new one
/// comes. A slot links to the next slot of its trace, so the cost of adding and forgetting does not
/// depend on the length of a trace. Memory grows with the number of spans kept, up to the bound.
/// Not thread-safe.
class span_ring {
public:
  explicit span_ring(std::size_t kept_max) : kept_max_(kept_max) {}

  /// Returns the removed span, so that the caller can free it without holding a lock.
  [[nodiscard]] shared_span add(shared_span span);

  /// In the order in which they were added.
  std::vector<shared_span> spans_of(trace_id trace) const;

  /// The trace of the root span that began last; if two began at once, the one added last.
  std::optional<trace_id> last_trace() const;

  std::size_t size() const noexcept { return slots_.size(); }

private:
  static constexpr std::uint32_t nothing = UINT32_MAX;

  struct slot {
    shared_span span;
    std::uint32_t next_of_trace = nothing;
  };
  struct chain {
    std::uint32_t first = nothing;
    std::uint32_t last = nothing;
  };

  shared_span forget(std::uint32_t index);
  void append_to_trace(std::uint32_t index);

  std::size_t kept_max_;
  std::vector<slot> slots_;
  std::size_t oldest_ = 0; ///< once the ring is full
  std::unordered_map<trace_id, chain> traces_;
};

} // namespace troupe
