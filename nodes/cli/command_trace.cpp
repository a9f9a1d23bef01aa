#include "nodes/cli/command_trace.hpp"

#include "config/base/random.hpp"
#include "config/config.hpp"
#include "config/limits/telemetry.hpp"
#include "config/otlp_target.hpp"
#include "nodes/cli/trace_ids.hpp"
#include "telemetry/recorder.hpp"
#include "telemetry/span.hpp"
#include "telemetry/trace_sampler.hpp"

#include <unistd.h>

namespace troupe::cli {

namespace {

constexpr const char* service_name = "troupe-cli";

span_id new_span() { return {random_bits() | 1}; }

void mark_failed(SpanData& span, const cli_error& why) {
  set_failed(span, {ec::none, why.message});
  set(span, attr::error_type, why.code);
}

/// The configuration of this process by its environment; the defaults if that is wrong: a command
/// of a client does not depend on it.
node_config own_settings() {
  config_sources sources;
  sources.environment = troupe_environment();
  auto loaded = load_config(sources);
  return loaded ? std::move(*loaded) : node_config{};
}

} // namespace

command_trace::command_trace(std::string_view command, const char* traceparent)
    : inside_(new_trace(traceparent)) {
  root_ = begin_span(span_names::command, command, inside_, new_span(), clock_.now());
  root_.set_parent_is_remote(inside_.span.value != 0);
  inside_ = context_of(root_, inside_);
}

void command_trace::called(std::string_view command) {
  root_.set_name(name_of(span_names::command, command));
}

command_trace::part::part(command_trace& of, const span_word& what)
    : of_(of), span_(begin_span(what, {}, of.inside_, new_span(), of.clock_.now())) {}

command_trace::part::~part() {
  set_end(span_, of_.clock_.now());
  of_.done_.push_back(std::move(span_));
}

trace_context command_trace::part::inside() const { return context_of(span_, of_.inside_); }

void command_trace::part::failed(const cli_error& why) { mark_failed(span_, why); }

void command_trace::add(SpanData span) {
  set_end(span, clock_.now());
  done_.push_back(std::move(span));
}

void command_trace::answered(const trace_context& answer) noexcept {
  if (inside_.undecided() && answer.trace == inside_.trace)
    inside_.flags = answer.sampled() ? trace_context::flag_sampled : 0;
}

void command_trace::end(int exit_code, const cli_error* why, const attached_client* cluster) {
  if (inside_.undecided())
    trace_sampler{own_settings().telemetry.sample_ratio}.decide(inside_);
  if (!inside_.sampled())
    return;
  set(root_, attr::exit_code, exit_code);
  if (why)
    mark_failed(root_, *why);
  set_end(root_, clock_.now());
  done_.push_back(std::move(root_));
  for (auto& span : done_) {
    span.set_service(service_name);
    span.set_node_name(service_name);
    span.set_pid(static_cast<std::uint64_t>(::getpid()));
    if (cluster && !has(span, attr::node_name))
      set(span, attr::node_name, cluster->node().name());
  }
  bool exported = export_all(cluster);
  if (cluster)
    hand_over(*cluster->link, exported);
}

/// False: the environment names no collector, or it did not take them.
bool command_trace::export_all(const attached_client* cluster) {
  auto cfg = own_settings();
  recorder_options options;
  options.cluster = cluster ? cluster->doors.front().cluster : cfg.cluster.name;
  options.target = otlp_target_of(cfg.telemetry);
  if (options.target.url.full.empty())
    return false;
  options.target.warnings.clear(); // nodes log them
  options.kept_max = 0;
  options.queued_max = limits::spans_queued_max;
  options.flush_at_exit = std::chrono::milliseconds{0};
  metrics counted;
  recorder collector{options, counted, make_null_log_sink()};
  for (const auto& span : done_)
    collector.record(span);
  return collector.flush(limits::client_spans_time_max)
         && counted.plain().spans_exported == done_.size();
}

/// To the node that the client is attached to.
void command_trace::hand_over(client& link, bool exported) {
  SpansMade made;
  for (auto& span : done_) {
    span.set_exported(exported);
    *made.add_spans() = std::move(span);
  }
  [[maybe_unused]] auto sent =
      link.send(make_envelope(message_kind::event, address::of(service::desk), std::move(made)),
                limits::client_spans_time_max);
}

} // namespace troupe::cli
