#include "telemetry/metrics.hpp"

#include "config/limits/telemetry.hpp"
#include "config/prices.hpp"
#include "telemetry/log.hpp"
#include "telemetry/node_figures.hpp"
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
  Counter* cache_read;
  Counter* cache_written;
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

struct gauge_series {
  Gauge* gauge;
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
    auto tokens_of = [&](Family<Counter>& family, const char* type) {
      return &family.Add({{"model", model}, {"agent_id", agent}, {"type", type}});
    };
    auto shared = common(of[0], of[2], which);
    auto usage_of = [&](const char* type) {
      auto with_type = shared;
      with_type["gen_ai_token_type"] = type;
      return &usage.Add(with_type, token_counts);
    };
    return {&calls.Add({{"model", model}, {"agent_id", agent}}),
            tokens_of(tokens, "input"),
            tokens_of(tokens, "output"),
            tokens_of(cached, "read"),
            tokens_of(cached, "written"),
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
  Family<Counter>& cached =
      counter(registry, "llm_cached_tokens_total",
              "Of the tokens sent to models: read from the provider's cache, and written into it.");
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
  Family<Gauge>& limit_left =
      gauge(registry, "llm_limit_left", "Left of a provider's limit, as far as it has told.");
  Family<Counter>& held_back =
      counter(registry, "llm_calls_held_back_total",
              "Model calls that had to wait because a provider's limit was used up.");
  Family<Counter>& safety =
      counter(registry, "troupe_safety_total", "Found in calls of models, by what was done.");
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
  series_cache<gauge_series> limit_cache;
  series_cache<plain_series> unread_cache, abandoned_cache, held_cache, safety_cache;
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
                           std::int64_t cost_nano_usd, const cached_input& cached) {
  auto& series = impl_->models_of(which);
  auto input = static_cast<double>(input_tokens), output = static_cast<double>(output_tokens);
  series.calls->Increment();
  series.input_tokens->Increment(input);
  series.output_tokens->Increment(output);
  series.cache_read->Increment(static_cast<double>(cached.read));
  series.cache_written->Increment(static_cast<double>(cached.written));
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

void metrics::provider_limit(std::string_view provider, std::string_view type, std::uint64_t left) {
  auto make = [this](const impl::labels& of) -> gauge_series {
    return {&impl_->limit_left.Add({{"provider", valid_utf8(of[0])}, {"type", valid_utf8(of[1])}})};
  };
  impl_->limit_cache.find({bounded(provider), type, {}}, make)
      .gauge->Set(static_cast<double>(left));
}

void metrics::call_held_back(std::string_view provider) {
  auto make = [this](const impl::labels& of) {
    return impl::make_plain(impl_->held_back, "provider", of);
  };
  impl_->held_cache.find({bounded(provider), {}, {}}, make).counter->Increment();
}

void metrics::call_abandoned(std::string_view reason) {
  auto make = [this](const impl::labels& of) {
    return impl::make_plain(impl_->abandoned, "reason", of);
  };
  impl_->abandoned_cache.find({bounded(reason), {}, {}}, make).counter->Increment();
}

void metrics::safety_found(std::string_view check, std::string_view action, std::uint64_t times) {
  auto make = [this](const impl::labels& of) -> plain_series {
    return {&impl_->safety.Add({{"check", std::string{of[0]}}, {"action", std::string{of[1]}}})};
  };
  impl_->safety_cache.find({check, action, {}}, make)
      .counter->Increment(static_cast<double>(times));
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
  add_node_figures(families, counts_, lines_dropped);
  std::ostringstream text;
  prometheus::TextSerializer{}.Serialize(text, families);
  return std::move(text).str();
}

} // namespace troupe
