#include "nodes/cli/run_report.hpp"

#include "config/base/count_of.hpp"
#include "messages/runs.pb.h"
#include "messages/values.pb.h"
#include "nodes/exit_codes.hpp"
#include "telemetry/text_escape.hpp"

#include <set>

namespace troupe::cli {

namespace {

constexpr int failures_shown_max = 20;

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
            {"duration_ms", static_cast<double>(task.duration_us()) / 1000}};
  if (!task.ok())
    made["error"] = to_json(from_proto(task.failure()));
  return made;
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

json run_json(const run_outcome& outcome, trace_id trace) {
  const auto& ended = outcome.ended;
  auto tasks = json::array();
  for (const auto& task : ended.tasks())
    tasks.push_back(task_json(outcome, task));
  json made{{"run", to_string(run_from_bytes(ended.run()))},
            {"trace_id", to_string(trace)},
            {"ok", ended.ok()},
            {"result", ended.has_result() ? to_json(ended.result()) : json(nullptr)},
            {"tasks", std::move(tasks)},
            {"duration_ms", static_cast<double>(ended.duration_us()) / 1000}};
  if (!ended.ok()) {
    made["error"] = to_json(from_proto(ended.failure()));
    made["error"]["message"] = outcome.why;
  }
  return made;
}

std::string run_summary(const run_outcome& outcome) {
  const auto& ended = outcome.ended;
  const auto tasks = count_of(static_cast<std::uint64_t>(ended.tasks_size()), "task");
  std::set<std::string> nodes;
  std::string text;
  int failed = 0, cancelled = 0, done = 0;
  for (const auto& task : ended.tasks()) {
    nodes.insert(task.node());
    done += task.ok();
    cancelled += was_cancelled(task);
    if (task.ok() || was_cancelled(task) || ++failed > failures_shown_max)
      continue;
    auto where = node_of(outcome, task);
    text += "troupe: task " + one_line(task.label().empty() ? task.task() : task.label())
            + " failed" + (where.empty() ? "" : " on " + one_line(where))
            + (task.attempts() > 1 ? " after " + std::to_string(task.attempts()) + " attempts" : "")
            + ": " + one_line(task.failure().message()) + "\n";
  }
  if (failed > failures_shown_max)
    text +=
        "troupe: " + count_of(static_cast<std::uint64_t>(failed - failures_shown_max), "more task")
        + " failed\n";
  auto took = ended.duration_us() < 1000
                  ? "less than 1 ms"
                  : human_duration(std::chrono::milliseconds(ended.duration_us() / 1000));
  if (!ended.ok()) {
    bool stopped = outcome.exit_code == exit_interrupted;
    text += "troupe: the run " + std::string(stopped ? "was stopped" : "failed") + " after " + took
            + ": " + one_line(outcome.why);
    if (cancelled > 0)
      text += "; " + std::to_string(done) + " of " + tasks + " done, " + std::to_string(cancelled)
              + " cancelled";
    return text + "\n";
  }
  return tasks + " done in " + took + " on " + count_of(nodes.size(), "node")
         + "; `troupe trace last` shows where the time went\n";
}

} // namespace troupe::cli
