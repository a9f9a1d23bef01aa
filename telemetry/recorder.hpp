#pragma once

#include "config/limits/telemetry.hpp"
#include "config/otlp_target.hpp"
#include "messages/envelope.hpp"
#include "messages/spans.pb.h"
#include "telemetry/log.hpp"
#include "telemetry/metrics.hpp"

#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace troupe {

class otlp_exporter;
class span_ring;

struct recorder_options {
  node_id node;
  std::string node_name;
  std::string cluster;
  otlp_target target;   ///< without a URL nothing is exported
  std::size_t kept_max; ///< spans kept in memory for `troupe trace`
  std::size_t
      queued_max; ///< spans waiting for the exporter; beyond it they are dropped and counted
  std::chrono::milliseconds flush_interval{200};
  std::chrono::milliseconds flush_at_exit = limits::otlp_flush_at_exit;
  std::uint64_t incarnation = 0; ///< how often the node has been started
  std::string service;           ///< telemetry.service_name; `{node}` stands for node_name
};

/// Where finished spans go: the last ones are kept in memory, and all are exported by OTLP over
/// HTTP, from a bounded queue on a separate thread. Thread-safe; `record` never blocks on the
/// network.
class recorder {
public:
  recorder(recorder_options options, metrics& counted, std::shared_ptr<log_sink> log);
  /// Exports the queued spans, for at most `flush_at_exit`, then ends the thread.
  ~recorder();

  void record(SpanData span);

  std::vector<SpanData> spans_of(trace_id trace) const;
  /// The trace of the root span that began last.
  std::optional<trace_id> last_trace() const;

  /// Waits until the spans recorded so far are exported or given up; false if time ran out.
  bool flush(std::chrono::milliseconds at_most);

private:
  recorder_options options_;
  std::string node_bytes_;
  mutable std::mutex ring_mutex_;
  std::unique_ptr<span_ring> ring_;
  std::unique_ptr<otlp_exporter> exporter_;
};

} // namespace troupe
