#pragma once

#include "config/limits/telemetry.hpp"
#include "telemetry/log.hpp"
#include "telemetry/metrics.hpp"
#include "telemetry/otlp.hpp"
#include "telemetry/otlp_post.hpp"

#include <chrono>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace troupe {

/// Sends spans to a collector from a bounded queue, on a thread of its own. A collector that is
/// down, slow or hostile costs the callers of `add` nothing: the queue fills, spans are dropped and
/// counted, and one log line says so. A span counts as exported only when the collector took it.
///
/// A span is lost if its process dies while it waits. An urgent one, without which others have no
/// parent, waits for `otlp_urgent_delay` only, and at most one export each `otlp_urgent_interval`
/// is made for such spans, however many there are.
///
/// The thread sleeps without a timer while there is nothing to send.
class otlp_exporter {
public:
  using clock = std::chrono::steady_clock;

  struct options {
    otlp_resource resource;
    std::size_t queued_max;
    std::chrono::milliseconds
        flush_interval; ///< a span waits at most that long for others to join it
    std::chrono::milliseconds timeout = limits::otlp_request_timeout; ///< of one request
    bool gzip = false;
    std::chrono::milliseconds flush_at_exit = limits::otlp_flush_at_exit;
  };

  otlp_exporter(options how, std::unique_ptr<otlp_post> post, metrics& counted,
                std::shared_ptr<log_sink> log);
  /// Sends the queued spans, for at most `flush_at_exit`. Spans left after that are dropped
  /// and counted.
  ~otlp_exporter();

  otlp_exporter(const otlp_exporter&) = delete;
  otlp_exporter& operator=(const otlp_exporter&) = delete;

  /// Any thread. Never waits for the network.
  void add(shared_span span, bool urgent = false);

  /// Waits until all spans added before are exported or given up; false if time ran out.
  bool flush(std::chrono::milliseconds at_most);

private:
  void run();
  std::vector<shared_span> next_batch(std::unique_lock<std::mutex>& lock);
  void deliver(const std::vector<shared_span>& batch);
  bool try_once(std::string_view bytes, std::size_t spans, std::uint32_t attempts);
  void accept(const otlp_accepted& said, std::size_t spans);
  void tell_said(const std::string& message, std::uint64_t rejected, std::size_t spans);
  void give_up(const std::string& why, std::size_t spans);
  bool pause(std::chrono::milliseconds delay, bool answered);
  clock::time_point attempt_deadline(clock::time_point began);

  options how_;
  std::unique_ptr<otlp_post> post_;
  metrics::counts& counts_;
  std::shared_ptr<log_sink> log_;
  // Of the thread, as the post.
  bool failing_ = false;  ///< already said so
  std::string last_said_; ///< the collector's last message: each is logged once

  std::mutex mutex_; ///< guards what follows
  std::condition_variable work_;
  std::condition_variable done_;
  std::deque<shared_span> queue_;
  clock::time_point first_queued_;
  clock::time_point urgent_at_ =
      clock::time_point::max();    ///< then a batch leaves, whatever its size
  clock::time_point last_taken_{}; ///< when the last batch left the queue
  std::uint64_t added_count_ = 0;  ///< put into the queue since the start
  std::uint64_t ended_count_ = 0;  ///< exported or given up
  unsigned flushing_ = 0;          ///< callers of `flush` that wait
  bool stopping_ = false;
  clock::time_point stop_at_ = clock::time_point::max();

  std::thread thread_;
};

} // namespace troupe
