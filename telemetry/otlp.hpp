#pragma once

#include "telemetry/span_ring.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// What goes over the wire of OTLP/HTTP, and what the answers mean. Pure: no socket, no clock.
namespace troupe {

/// Who made the spans.
struct otlp_resource {
  node_id node;
  std::string node_name;
  std::string cluster;
  std::string host;
  std::vector<std::pair<std::string, std::string>> others; ///< over those above where both have one
};

/// A batch as the bytes of one ExportTraceServiceRequest. Every span is of this resource. The
/// schema URL is left empty: none is published for the pinned conventions that we are sure of.
std::string encode_otlp(const otlp_resource& resource, std::span<const shared_span> batch);

/// The same bytes compressed, as `Content-Encoding: gzip`.
std::string gzip(std::string_view bytes);

/// What the collector said in a 200.
struct otlp_accepted {
  std::uint64_t rejected = 0; ///< spans it did not want; they must not be sent again
  std::string message;        ///< may be a warning even when nothing was rejected
};

/// An ExportTraceServiceResponse in protobuf or, as some collectors have it, in JSON; nothing said
/// is an empty one. Nothing if it is another thing, such as a web page: then no collector listens.
std::optional<otlp_accepted> decode_otlp_answer(std::string_view content_type,
                                                std::string_view body);

} // namespace troupe
