#include "telemetry/metrics.hpp"

#include "config/limits/telemetry.hpp"
#include "config/prices.hpp"
#include "telemetry/log.hpp"
#include "telemetry/process_figures.hpp"
#include "telemetry/series_cache.hpp"
#include "telemetry/text_escape.hpp"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <sstream>

namespace troupe {

namespace {

using prometheus::Counter;
using prometheus::Family;
using prometheus::Gauge;
using prometheus::Histogram;
using buckets = Histogram::BucketBoundaries;

/// FEATURES H2: the first six are the original's; work here may take minutes.
const buckets task_seconds{0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900};
/// Semantic conventions 1.41.1, gen_ai.client.token.usage: powers of four.
const buckets token_counts{1,     4,     16,     64,      256,     1024,     4096,
                           16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864};
/// The same, gen_ai.client.operation.duration: 0.01 doubling to 81.92.
const buckets model_seconds{0.01, 0.02, 0.04, 0.08,  0.16,  0.32,  0.64,
                            1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92};

/// A sync of a fast disk takes 0.1 ms, one of a busy disk seconds.
const buckets sync_seconds{0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025,
                           0.05,   0.1,     0.25,   0.5,   1,      2.5,   5,    10};

struct model_series {
  Counter* calls;
  Counter* input_tokens;
  Counter* output_tokens;
  Counter* dollars;
  Histogram* input_usage;
  Histogram* output_usage;
  Histogram* seconds;
};

struct failure_series {
  Counter* failed;
  Histogram* seconds;
};

struct piece_series {
  Histogram* first;
  Histogram* next;
};

struct load_series {
  Gauge* running;
  Gauge* waiting;
};

struct plain_series {
  Counter* counter;
};

double seconds_of(std::chrono::nanoseconds duration) {
  return std::chrono::duration<double>(duration).count();
}

/// A role or a slot, never a caller's name: `librarian/my-secret` counts as `librarian`.
std::string_view bounded_agent(std::string_view agent_id) {
  return agent_id.substr(0, agent_id.find('/')).substr(0, limits::metric_label_bytes_max);
}

std::string_view bounded(std::string_view label) {
  return label.substr(0, limits::metric_label_bytes_max);
}

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

void add_plain_counts(std::vector<prometheus::MetricFamily>& to, const metrics::counts& counts,
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
}

} // namespace

struct metrics::task_series {
  Counter* processed;
  Histogram* seconds;
};

struct metrics::impl {
  using labels = std::array<std::string_view, 3>;

  task_series make_task(const labels& of) {
    std::string agent = valid_utf8(of[0]), status{of[1]}, type = valid_utf8(of[2]);
    return {&tasks.Add({{"agent_id", agent}, {"status", status}, {"task_type", type}}),
            &task_durations.Add({{"agent_id", agent}, {"task_type", type}}, task_seconds)};
  }

  /// The labels of the conventions, and which of several providers of one kind it is.
  static prometheus::Labels common(std::string_view model, std::string_view provider,
                                   const model_call& which) {
    prometheus::Labels made{{"gen_ai_operation_name", which.embeds ? "embeddings" : "chat"},
                            {"gen_ai_request_model", valid_utf8(model)}};
    if (!which.api.empty())
      made["gen_ai_provider_name"] = valid_utf8(which.api);
    if (!provider.empty())
      made["provider"] = valid_utf8(provider);
    return made;
  }

  model_series make_model(const labels& of, const model_call& which) {
    std::string model = valid_utf8(of[0]), agent = valid_utf8(of[1]);
    auto tokens_of = [&](const char* type) {
      return &tokens.Add({{"model", model}, {"agent_id", agent}, {"type", type}});
    };
    auto shared = common(of[0], of[2], which);
    auto usage_of = [&](const char* type) {
      auto with_type = shared;
      with_type["gen_ai_token_type"] = type;
      return &usage.Add(with_type, token_counts);
    };
    return {&calls.Add({{"model", model}, {"agent_id", agent}}),
            tokens_of("input"),
            tokens_of("output"),
            &dollars.Add({{"model", model}, {"agent_id", agent}}),
            usage_of("input"),
            usage_of("output"),
            &durations.Add(shared, model_seconds)};
  }

  model_series& models_of(const model_call& which) {
    return model_cache[which.embeds ? 1 : 0].find(
        {bounded(which.model), bounded_agent(which.agent_id), bounded(which.provider)},
        [&](const labels& of) { return make_model(of, which); });
  }

  failure_series make_failure(const labels& of, const model_call& which) {
    auto labels_of_time = common(of[0], of[1], which);
    labels_of_time["error_type"] = valid_utf8(of[2]);
    return {&failed_calls.Add({{"provider", valid_utf8(of[1])}, {"reason", valid_utf8(of[2])}}),
            &durations.Add(labels_of_time, model_seconds)};
  }

  piece_series make_pieces(const labels& of, const model_call& which) {
    auto shared = common(of[0], of[1], which);
    return {&first_chunks.Add(shared, model_seconds), &next_chunks.Add(shared, model_seconds)};
  }

  load_series make_load(const labels& of) {
    prometheus::Labels shared{{"provider", valid_utf8(of[0])}};
    return {&calls_running.Add(shared), &calls_waiting.Add(shared)};
  }

  static plain_series make_plain(Family<Counter>& family, const char* label, const labels& of) {
    return {&family.Add({{label, valid_utf8(of[0])}})};
  }

  static Family<Counter>& counter(prometheus::Registry& in, const char* title, const char* help) {
    return prometheus::BuildCounter().Name(title).Help(help).Register(in);
  }
  static Family<Gauge>& gauge(prometheus::Registry& in, const char* title, const char* help) {
    return prometheus::BuildGauge().Name(title).Help(help).Register(in);
  }
  static Family<Histogram>& histogram(prometheus::Registry& in, const char* title,
                                      const char* help) {
    return prometheus::BuildHistogram().Name(title).Help(help).Register(in);
  }

  prometheus::Registry registry;
  Family<Counter>& tasks =
      counter(registry, "agent_tasks_processed_total", "Tasks that agents ended, by outcome.");
  Family<Histogram>& task_durations =
      histogram(registry, "agent_task_duration_seconds", "How long agents worked on a task.");
  Family<Counter>& calls = counter(registry, "llm_api_calls_total", "Model calls.");
  Family<Counter>& abandoned =
      counter(registry, "llm_calls_abandoned_total", "Model calls that were given up, by reason.");
  Family<Counter>& failed_calls =
      counter(registry, "llm_calls_failed_total", "Model calls without an answer, by reason.");
  Family<Gauge>& calls_running =
      gauge(registry, "llm_calls_running", "Model calls that a provider works on now.");
  Family<Gauge>& calls_waiting =
      gauge(registry, "llm_calls_waiting", "Model calls that wait for a place at a provider.");
  Family<Counter>& dollars =
      counter(registry, "llm_cost_usd_total", "What model calls cost by the price list.");
  Family<Counter>& tokens =
      counter(registry, "llm_tokens_total", "Tokens sent to and received from models.");
  Family<Histogram>& usage =
      histogram(registry, "gen_ai_client_token_usage", "Tokens used by one model call.");
  Family<Histogram>& durations = histogram(registry, "gen_ai_client_operation_duration_seconds",
                                           "Duration of one model call.");
  Family<Histogram>& first_chunks =
      histogram(registry, "gen_ai_client_operation_time_to_first_chunk_seconds",
                "Time from a model call until the first piece of its answer.");
  Family<Histogram>& next_chunks =
      histogram(registry, "gen_ai_client_operation_time_per_output_chunk_seconds",
                "Time between two pieces of an answer.");
  Family<Counter>& unread = counter(registry, "troupe_messages_unreadable_total",
                                    "Messages that their receiver could not read, by kind.");

  Counter& journal_syncs =
      counter(registry, "troupe_journal_syncs_total", "Syncs of the journal of this node.").Add({});
  Histogram& journal_sync_durations =
      histogram(registry, "troupe_journal_sync_duration_seconds",
                "How long a write to the journal and its sync took.")
          .Add({}, sync_seconds);

  series_cache<task_series> task_cache;
  std::array<series_cache<model_series>, 2> model_cache;     ///< chat, embeddings
  std::array<series_cache<failure_series>, 2> failure_cache; ///< chat, embeddings
  series_cache<piece_series> piece_cache;
  series_cache<load_series> load_cache;
  series_cache<plain_series> unread_cache;
  series_cache<plain_series> abandoned_cache;
  std::mutex log_mutex;
  std::shared_ptr<const log_sink> log;
};

metrics::metrics() : impl_(std::make_unique<impl>()) {}

metrics::~metrics() = default;

void metrics::task_processed(std::string_view agent_id, bool ok, std::string_view task_type,
                             std::chrono::nanoseconds duration) {
  add(tasks_of(agent_id, ok, task_type), duration);
}

metrics::task_series& metrics::tasks_of(std::string_view agent_id, bool ok,
                                        std::string_view task_type) {
  return impl_->task_cache.find(
      {bounded_agent(agent_id), ok ? "success" : "failure", bounded(task_type)},
      [this](const impl::labels& of) { return impl_->make_task(of); });
}

void metrics::add(task_series& processed, std::chrono::nanoseconds duration) {
  processed.processed->Increment();
  processed.seconds->Observe(seconds_of(duration));
}

void metrics::model_called(const model_call& which, std::uint64_t input_tokens,
                           std::uint64_t output_tokens, std::chrono::nanoseconds duration,
                           std::int64_t cost_nano_usd) {
  auto& series = impl_->models_of(which);
  auto input = static_cast<double>(input_tokens), output = static_cast<double>(output_tokens);
  series.calls->Increment();
  series.input_tokens->Increment(input);
  series.output_tokens->Increment(output);
  series.dollars->Increment(usd_of(cost_nano_usd));
  series.input_usage->Observe(input);
  series.output_usage->Observe(output);
  series.seconds->Observe(seconds_of(duration));
}

void metrics::model_failed(const model_call& which, std::string_view reason,
                           std::chrono::nanoseconds duration) {
  auto& series = impl_->failure_cache[which.embeds ? 1 : 0].find(
      {bounded(which.model), bounded(which.provider), bounded(reason)},
      [&](const impl::labels& of) { return impl_->make_failure(of, which); });
  impl_->models_of(which).calls->Increment();
  series.failed->Increment();
  series.seconds->Observe(seconds_of(duration));
}

void metrics::model_piece(const model_call& which, bool first, std::chrono::nanoseconds after) {
  auto& series = impl_->piece_cache.find(
      {bounded(which.model), bounded(which.provider), {}},
      [&](const impl::labels& of) { return impl_->make_pieces(of, which); });
  (first ? series.first : series.next)->Observe(seconds_of(after));
}

void metrics::provider_load(std::string_view provider, std::size_t running, std::size_t waiting) {
  auto& series = impl_->load_cache.find(
      {bounded(provider), {}, {}}, [this](const impl::labels& of) { return impl_->make_load(of); });
  series.running->Set(static_cast<double>(running));
  series.waiting->Set(static_cast<double>(waiting));
}

void metrics::call_abandoned(std::string_view reason) {
  auto make = [this](const impl::labels& of) {
    return impl::make_plain(impl_->abandoned, "reason", of);
  };
  impl_->abandoned_cache.find({bounded(reason), {}, {}}, make).counter->Increment();
}

void metrics::journal_synced(std::chrono::nanoseconds duration) {
  impl_->journal_syncs.Increment();
  impl_->journal_sync_durations.Observe(seconds_of(duration));
}

void metrics::message_unread(std::string_view kind) {
  auto make = [this](const impl::labels& of) {
    return impl::make_plain(impl_->unread, "kind", of);
  };
  impl_->unread_cache.find({bounded(kind), {}, {}}, make).counter->Increment();
}

void metrics::watch_log(std::shared_ptr<const log_sink> log) {
  std::lock_guard lock{impl_->log_mutex};
  impl_->log = std::move(log);
}

std::string metrics::to_text() const {
  auto families = impl_->registry.Collect();
  std::uint64_t lines_dropped = 0;
  {
    std::lock_guard lock{impl_->log_mutex};
    lines_dropped = impl_->log ? impl_->log->dropped() : 0;
  }
  add_plain_counts(families, counts_, lines_dropped);
  add_process_figures(families);
  std::ostringstream text;
  prometheus::TextSerializer{}.Serialize(text, families);
  return std::move(text).str();
}

} // namespace troupe
