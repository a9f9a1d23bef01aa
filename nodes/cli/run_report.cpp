#include "nodes/cli/run_report.hpp"

#include "config/base/count_of.hpp"
#include "config/prices.hpp"
#include "messages/durability.hpp"
#include "messages/runs.pb.h"
#include "messages/values.pb.h"
#include "nodes/cli/run_words.hpp"
#include "nodes/exit_codes.hpp"
#include "telemetry/text_escape.hpp"

#include <set>

namespace troupe::cli {

namespace {

constexpr int failures_shown_max = 20, notes_shown_max = 20;

std::string node_of(const run_outcome& outcome, const TaskOutcome& task) {
  auto found = outcome.node_names.find(task.node());
  return task.node().empty() || found == outcome.node_names.end() ? "" : found->second;
}

/// The task ended because the run ended, not because it failed itself.
bool was_cancelled(const TaskOutcome& task) {
  return !task.ok() && to_error_code(task.failure().code()) == ec::cancelled;
}

json task_json(const run_outcome& outcome, const TaskOutcome& task) {
  json made{{"task", task.task()},
            {"label", task.label()},
            {"ok", task.ok()},
            {"attempts", task.attempts()},
            {"node", node_of(outcome, task)},
            {"input_tokens", task.input_tokens()},
            {"output_tokens", task.output_tokens()},
            {"cost_usd", usd_of(task.cost_nano_usd())},
            {"duration_ms", static_cast<double>(task.duration_us()) / 1000},
            {"unknown_steps", task.unknown_steps()},
            {"notes", json::array()}};
  for (const auto& note : task.notes())
    made["notes"].push_back(note);
  if (!task.ok() && task.has_failure())
    made["error"] = to_json(from_proto(task.failure()));
  if (!task.waits_for().empty())
    made["waits_for"] = task.waits_for();
  return made;
}

std::string title_of(const TaskOutcome& task) {
  return "task " + one_line(task.label().empty() ? task.task() : task.label());
}

/// What is to be known of results: the run went on with them.
std::string notes_text(const RunEnded& ended) {
  std::string text;
  int notes = 0;
  for (const auto& task : ended.tasks())
    for (const auto& note : task.notes())
      if (++notes <= notes_shown_max)
        text += "troupe: " + title_of(task) + ": " + one_line(note) + "\n";
  if (notes > notes_shown_max)
    text += "troupe: " + count_of(static_cast<std::uint64_t>(notes - notes_shown_max), "more note")
            + " on tasks\n";
  return text;
}

/// Calls whose outcome nobody knows, and which were made again.
std::string unknown_text(const RunEnded& ended) {
  if (ended.unknown_steps() == 0)
    return {};
  std::string text;
  int tasks = 0;
  for (const auto& task : ended.tasks())
    if (task.unknown_steps() > 0 && ++tasks <= notes_shown_max)
      text += "troupe: " + title_of(task) + ": " + paid_twice_text(task.unknown_steps()) + "\n";
  return text + "troupe: " + paid_twice_text(ended.unknown_steps()) + "\n";
}

} // namespace

std::string result_text(const RunEnded& ended) {
  if (!ended.has_result() || ended.result().kind_case() == Value::KIND_NOT_SET)
    return {};
  if (ended.result().kind_case() != Value::kText)
    return to_json(ended.result()).dump(2, ' ', false, json::error_handler_t::replace) + "\n";
  const auto& text = ended.result().text();
  return text.ends_with('\n') ? text : text + "\n";
}

json accepted_json(const run_outcome& outcome, trace_id trace) {
  const auto& accepted = outcome.accepted;
  return {{"run", to_string(run_from_bytes(accepted.run()))},
          {"trace_id", to_string(trace)},
          {"durability", to_string(accepted.durability())},
          {"known", accepted.known()},
          {"owner", outcome.owner_name}};
}

json ended_json(const run_outcome& outcome) {
  const auto& ended = outcome.ended;
  auto tasks = json::array();
  for (const auto& task : ended.tasks())
    tasks.push_back(task_json(outcome, task));
  json made{{"ok", ended.ok()},
            {"result", ended.has_result() ? to_json(ended.result()) : json(nullptr)},
            {"tasks", std::move(tasks)},
            {"input_tokens", ended.input_tokens()},
            {"output_tokens", ended.output_tokens()},
            {"cost_usd", usd_of(ended.cost_nano_usd())},
            {"unknown_steps", ended.unknown_steps()},
            {"duration_ms", static_cast<double>(ended.duration_us()) / 1000}};
  if (!ended.ok()) {
    made["error"] = to_json(from_proto(ended.failure()));
    made["error"]["message"] = outcome.why;
  }
  return made;
}

json run_json(const run_outcome& outcome, trace_id trace) {
  auto made = accepted_json(outcome, trace);
  made.update(ended_json(outcome));
  return made;
}

std::string run_summary(const run_outcome& outcome) {
  const auto& ended = outcome.ended;
  const auto tasks = count_of(static_cast<std::uint64_t>(ended.tasks_size()), "task");
  std::set<std::string> nodes;
  auto text = notes_text(ended);
  int failed = 0, cancelled = 0, done = 0;
  for (const auto& task : ended.tasks()) {
    nodes.insert(task.node());
    done += task.ok();
    cancelled += was_cancelled(task);
    if (task.ok() || was_cancelled(task) || ++failed > failures_shown_max)
      continue;
    auto where = node_of(outcome, task);
    text += "troupe: " + title_of(task) + " failed"
            + (where.empty() ? "" : " on " + one_line(where))
            + (task.attempts() > 1 ? " after " + std::to_string(task.attempts()) + " attempts" : "")
            + ": " + one_line(task.failure().message()) + "\n";
  }
  if (failed > failures_shown_max)
    text +=
        "troupe: " + count_of(static_cast<std::uint64_t>(failed - failures_shown_max), "more task")
        + " failed\n";
  text += unknown_text(ended);
  auto took = ended.duration_us() < 1000
                  ? "less than 1 ms"
                  : human_duration(std::chrono::milliseconds(ended.duration_us() / 1000));
  auto costs = ended.cost_nano_usd() > 0 ? " for " + money_text(ended.cost_nano_usd()) : "";
  if (!ended.ok()) {
    bool stopped = outcome.exit_code == exit_interrupted;
    text += "troupe: the run " + std::string(stopped ? "was stopped" : "failed") + " after " + took
            + ": " + one_line(outcome.why);
    if (cancelled > 0)
      text += "; " + std::to_string(done) + " of " + tasks + " done, " + std::to_string(cancelled)
              + " cancelled";
    return text + costs + "\n";
  }
  return text + tasks + " done in " + took + " on " + count_of(nodes.size(), "node") + costs
         + "; `troupe trace last` shows where the time went\n";
}

} // namespace troupe::cli
