#include "telemetry/node_figures.hpp"

#include "telemetry/process_figures.hpp"

namespace troupe {

namespace {

/// Families that prometheus-cpp collects from our plain counts on request.
void add_figure(std::vector<prometheus::MetricFamily>& to, const char* title, const char* help,
                prometheus::MetricType type, double value) {
  prometheus::ClientMetric figure;
  if (type == prometheus::MetricType::Counter)
    figure.counter.value = value;
  else
    figure.gauge.value = value;
  to.push_back({title, help, type, {std::move(figure)}});
}

void add_process_figures(std::vector<prometheus::MetricFamily>& to) {
  using enum prometheus::MetricType;
  auto figures = read_process_figures();
  if (figures.resident_bytes)
    add_figure(to, "process_resident_memory_bytes", "Resident memory size in bytes.", Gauge,
               static_cast<double>(*figures.resident_bytes));
  if (figures.open_fds)
    add_figure(to, "process_open_fds", "Number of open file descriptors.", Gauge,
               static_cast<double>(*figures.open_fds));
  add_figure(to, "process_cpu_seconds_total", "Total user and system CPU time spent in seconds.",
             Counter, figures.cpu_seconds);
  add_figure(to, "process_start_time_seconds",
             "Start time of the process since unix epoch in seconds.", Gauge,
             figures.start_seconds);
}

} // namespace

void add_node_figures(std::vector<prometheus::MetricFamily>& to, const metrics::counts& counts,
                      std::uint64_t lines_dropped_by_log) {
  using enum prometheus::MetricType;
  // Reading an atomic as a number is what its conversion does.
  auto add = [&](const char* title, const char* help, prometheus::MetricType type,
                 std::uint64_t value) {
    add_figure(to, title, help, type, static_cast<double>(value));
  };
  add("troupe_tasks_done_total", "Tasks that succeeded on this node.", Counter, counts.tasks_done);
  add("troupe_tasks_failed_total", "Task attempts that failed on this node.", Counter,
      counts.tasks_failed);
  add("troupe_tasks_running", "Tasks that agents of this node are working on now.", Gauge,
      counts.tasks_running);
  add("troupe_queue_length", "Tasks that wait on this node.", Gauge, counts.queue_length);
  add("troupe_agents", "Active agents on this node.", Gauge, counts.agents);
  add("troupe_blobs", "Blobs on the disk of this node.", Gauge, counts.blobs);
  add("troupe_blob_bytes", "Bytes of the blobs on the disk of this node.", Gauge,
      counts.blob_bytes);
  add("troupe_journal_records_total", "Events written to the journal of this node.", Counter,
      counts.journal_records);
  add("troupe_journal_bytes_total", "Bytes written to the journal of this node.", Counter,
      counts.journal_bytes);
  add("troupe_late_results_total", "Task results that came after another had won.", Counter,
      counts.late_results);
  add("troupe_steps_unknown_total",
      "Calls made again because nobody knew what had come of them: perhaps paid twice.", Counter,
      counts.steps_unknown);
  add("troupe_envelopes_sent_total", "Messages sent to other processes.", Counter,
      counts.envelopes_sent);
  add("troupe_envelopes_received_total", "Messages received from other processes.", Counter,
      counts.envelopes_received);
  add("troupe_envelopes_expired_total", "Messages dropped because no time was left.", Counter,
      counts.envelopes_expired);
  add("troupe_envelopes_overloaded_total", "Requests refused because a mailbox was full.", Counter,
      counts.envelopes_overloaded);
  add("troupe_envelopes_dropped_total", "Messages dropped because a mailbox was full.", Counter,
      counts.envelopes_dropped);
  add("troupe_links_refused_total", "Connections that were not from one of ours.", Counter,
      counts.links_refused);
  add("troupe_messages_refused_total", "Messages that their sender may not send there.", Counter,
      counts.messages_refused);
  add("troupe_restarts_total", "Restarts by supervisors.", Counter, counts.restarts);
  add("troupe_spans_dropped_total", "Spans that could not be exported.", Counter,
      counts.spans_dropped);
  add("troupe_spans_exported_total", "Spans that the collector took.", Counter,
      counts.spans_exported);
  add("troupe_log_lines_dropped_total", "Log lines dropped because the queue was full.", Counter,
      lines_dropped_by_log);
  add_process_figures(to);
}

} // namespace troupe
