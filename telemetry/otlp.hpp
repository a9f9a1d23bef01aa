#pragma once

#include "telemetry/span_ring.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

/// What goes over the wire of OTLP/HTTP, and what the answers mean. Pure: no socket, no clock.
namespace troupe {

/// Who made the spans.
struct otlp_resource {
  node_id node;
  std::string node_name;
  std::string cluster;
  std::string host;
};

/// A batch as the bytes of one ExportTraceServiceRequest. Every span is of this resource. The
/// schema URL is left empty: none is published for the pinned conventions that we are sure of.
std::string encode_otlp(const otlp_resource& resource, std::span<const shared_span> batch);

/// What the collector said in a 200.
struct otlp_accepted {
  std::uint64_t rejected = 0; ///< spans it did not want; they must not be sent again
  std::string message;        ///< may be a warning even when nothing was rejected
};

/// Nothing if the bytes are no ExportTraceServiceResponse.
std::optional<otlp_accepted> decode_otlp_answer(std::string_view body);

} // namespace troupe
