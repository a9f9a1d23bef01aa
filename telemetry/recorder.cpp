#include "telemetry/recorder.hpp"

#include "messages/spans.pb.h"
#include "telemetry/otlp_exporter.hpp"
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
  otlp_resource resource{options_.node, options_.node_name, options_.cluster, host_name(),
                         options_.target.resource};
  exporter_ = std::make_unique<otlp_exporter>(
      otlp_exporter::options{std::move(resource), options_.queued_max, options_.flush_interval,
                             options_.target.timeout, options_.target.gzip},
      std::move(*post), counted, std::move(log));
}

recorder::~recorder() = default;

void recorder::record(SpanData span) {
  if (span.node().empty()) {
    span.set_node(node_bytes_);
    span.set_node_name(options_.node_name);
  }
  auto shared = pack(span);
  if (exporter_)
    exporter_->add(shared);
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
