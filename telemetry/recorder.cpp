#include "telemetry/recorder.hpp"

#include "messages/spans.pb.h"
#include "telemetry/host_addresses.hpp"
#include "telemetry/otlp_exporter.hpp"
#include "telemetry/span.hpp"
#include "telemetry/span_ring.hpp"

#include <unistd.h>

namespace troupe {

namespace {

std::string host_name() {
  char text[256] = "";
  if (::gethostname(text, sizeof text - 1) != 0)
    return {};
  return text;
}

/// "troupe/{node}" is "troupe/node-1".
std::string service_of(std::string name, std::string_view node) {
  constexpr std::string_view place = "{node}";
  for (auto at = name.find(place); at != name.npos; at = name.find(place, at + node.size()))
    name.replace(at, place.size(), node);
  return name;
}

/// Without it, others that have been exported already lack their parent: the span of a run, whose
/// tasks ended before it on other nodes, that of a request, and those of its client.
bool is_urgent(const SpanData& span) {
  return span.name().starts_with(span_names::workflow.first) || !span.service().empty()
         || span.kind() == static_cast<std::uint32_t>(span_names::door.kind);
}

} // namespace

recorder::recorder(recorder_options options, metrics& counted, std::shared_ptr<log_sink> log)
    : options_(std::move(options)), node_bytes_(to_bytes(options_.node)),
      ring_(std::make_unique<span_ring>(options_.kept_max)) {
  for (const auto& warning : options_.target.warnings)
    log->write({log_level::warning, "otlp", warning, {}});
  if (options_.target.url.full.empty())
    return;
  auto post = otlp_post::to(options_.target);
  if (!post) {
    log->write({log_level::error, "otlp", post.error().message + "; no spans are exported", {}});
    return;
  }
  otlp_resource resource;
  resource.node = options_.node;
  resource.node_name = options_.node_name;
  resource.cluster = options_.cluster;
  resource.host = host_name();
  resource.others = options_.target.resource;
  resource.incarnation = options_.incarnation;
  resource.pid = static_cast<std::uint64_t>(::getpid());
  resource.addresses = host_addresses();
  if (!options_.service.empty()) {
    std::erase_if(resource.others, [](const auto& pair) { return pair.first == "service.name"; });
    resource.service = service_of(options_.service, options_.node_name);
  }
  exporter_ = std::make_unique<otlp_exporter>(
      otlp_exporter::options{std::move(resource), options_.queued_max, options_.flush_interval,
                             options_.target.timeout, options_.target.gzip, options_.flush_at_exit},
      std::move(*post), counted, std::move(log));
}

recorder::~recorder() = default;

void recorder::record(SpanData span) {
  if (span.service().empty() && span.node().empty()) {
    span.set_node(node_bytes_);
    span.set_node_name(options_.node_name);
  }
  if (!options_.node_name.empty() && !has(span, attr::node_name))
    set(span, attr::node_name, options_.node_name);
  auto shared = pack(span);
  if (exporter_ && !span.exported())
    exporter_->add(shared, is_urgent(span));
  shared_span gone; // freed after the lock
  std::lock_guard lock{ring_mutex_};
  gone = ring_->add(std::move(shared));
}

std::vector<SpanData> recorder::spans_of(trace_id trace) const {
  std::vector<shared_span> found;
  {
    std::lock_guard lock{ring_mutex_};
    found = ring_->spans_of(trace);
  }
  std::vector<SpanData> copies;
  copies.reserve(found.size());
  for (const auto& span : found)
    copies.emplace_back().ParseFromString(span->bytes);
  return copies;
}

std::optional<trace_id> recorder::last_trace() const {
  std::lock_guard lock{ring_mutex_};
  return ring_->last_trace();
}

bool recorder::flush(std::chrono::milliseconds at_most) {
  return !exporter_ || exporter_->flush(at_most);
}

} // namespace troupe
