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

/// What OTLP/HTTP sends over the wire, and what the answers mean. Pure: no socket, no clock.
namespace troupe {

/// Who made the spans.
struct otlp_resource {
  node_id node;
  std::string node_name;
  std::string cluster;
  std::string host;
  std::vector<std::pair<std::string, std::string>> others; ///< these override all else
  std::string service = "troupe";
  std::uint64_t incarnation = 0; ///< how often the node has been started; 0: no node
  std::uint64_t pid = 0;
  std::vector<std::string> addresses{}; ///< of the host
};

/// A batch as the bytes of one ExportTraceServiceRequest. A span that names a service of its own
/// was made by a client of this host (spans.proto); every other span belongs to this resource.
std::string encode_otlp(const otlp_resource& resource, std::span<const shared_span> batch);

/// The same bytes compressed, as `Content-Encoding: gzip`.
std::string gzip(std::string_view bytes);

/// What the collector said in a 200 answer.
struct otlp_accepted {
  std::uint64_t rejected = 0; ///< spans it rejected; they must not be sent again
  std::string message;        ///< may be a warning even when nothing was rejected
};

/// Reads an ExportTraceServiceResponse in protobuf or, as some collectors send it, in JSON; an
/// empty answer is an empty response. Nothing if it is something else, such as a web page: then no
/// collector listens.
std::optional<otlp_accepted> decode_otlp_answer(std::string_view content_type,
                                                std::string_view body);

} // namespace troupe
