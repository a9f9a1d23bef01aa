#include "nodes/cli/runs_table.hpp"

#include "config/base/count_of.hpp"
#include "config/prices.hpp"
#include "messages/durability.hpp"
#include "nodes/cli/run_report.hpp"
#include "nodes/cli/run_words.hpp"
#include "telemetry/text_escape.hpp"

#include <algorithm>
#include <array>
#include <ctime>
#include <set>

namespace troupe::cli {

namespace {

constexpr std::size_t short_id_digits_min = 8;
constexpr std::size_t run_digits = 32;
constexpr int tasks_shown_max = 200;

std::string id_of(const RunSummary& run) { return to_string(run_from_bytes(run.run())); }

/// How many digits tell all of them apart.
std::size_t digits_needed(const std::vector<owned_run>& runs) {
  for (auto digits = short_id_digits_min; digits < run_digits; ++digits) {
    std::set<std::string> seen;
    bool unique = std::all_of(runs.begin(), runs.end(), [&](const owned_run& run) {
      return seen.insert(id_of(run.summary).substr(0, digits)).second;
    });
    if (unique)
      return digits;
  }
  return run_digits;
}

std::string state_text(RunPhase phase, bool colours) {
  auto shade = phase == RUN_SUCCEEDED                           ? colour::green
               : phase == RUN_FAILED || phase == RUN_UNREADABLE ? colour::red
                                                                : colour::yellow;
  return painted(to_string(phase), shade, colours);
}

std::string time_between(std::int64_t from_ms, std::int64_t to_ms) {
  return human_duration(std::chrono::milliseconds(std::max<std::int64_t>(to_ms - from_ms, 0)));
}

std::string took_text(const RunSummary& run) {
  return run.ended_ms() == 0 ? "-" : time_between(run.accepted_ms(), run.ended_ms());
}

std::string progress_text(const RunSummary& run) {
  auto text = std::to_string(run.done()) + "/" + std::to_string(run.total());
  return run.failed() > 0 ? text + ", " + std::to_string(run.failed()) + " failed" : text;
}

/// In the reader's time zone.
std::string moment_text(std::int64_t ms) {
  auto seconds = static_cast<std::time_t>(ms / 1'000);
  std::tm local{};
  std::array<char, 32> text{};
  if (!::localtime_r(&seconds, &local)
      || std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S", &local) == 0)
    return "-";
  return text.data();
}

std::string task_state(const TaskOutcome& task, bool goes_on, bool colours) {
  if (task.ok())
    return painted("done", colour::green, colours);
  if (to_error_code(task.failure().code()) == ec::cancelled)
    return "cancelled";
  if (task.has_failure() || !goes_on)
    return painted("failed", colour::red, colours);
  return task.attempts() > 0 ? "begun" : "waiting";
}

std::string tasks_text(const owned_run& run, const run_outcome& outcome, bool colours) {
  std::vector<std::vector<std::string>> rows{
      {"TASK", "STATE", "ATTEMPTS", "NODE", "TIME", "TOKENS", "COST", "NOTES"}};
  bool goes_on = run.summary.phase() == RUN_GOES_ON;
  for (const auto& task : outcome.ended.tasks()) {
    if (static_cast<int>(rows.size()) > tasks_shown_max)
      break;
    auto node = outcome.node_names.find(task.node());
    auto notes = paid_twice_text(task.unknown_steps());
    if (!task.waits_for().empty())
      notes += (notes.empty() ? "waits for " : "; waits for ") + task.waits_for();
    if (task.has_failure())
      notes += (notes.empty() ? "" : "; ") + task.failure().message();
    rows.push_back(
        {one_line(task.label().empty() ? task.task() : task.label()),
         task_state(task, goes_on, colours), std::to_string(task.attempts()),
         task.node().empty() || node == outcome.node_names.end() ? "-" : one_line(node->second),
         human_duration(std::chrono::milliseconds(task.duration_us() / 1'000)),
         std::to_string(task.input_tokens()) + "→" + std::to_string(task.output_tokens()),
         task.cost_nano_usd() > 0 ? money_text(task.cost_nano_usd()) : "-", one_line(notes)});
  }
  if (rows.size() == 1)
    return {};
  auto text = "\n" + table(rows, colours);
  if (outcome.ended.tasks_size() > tasks_shown_max)
    text += "and "
            + count_of(static_cast<std::uint64_t>(outcome.ended.tasks_size() - tasks_shown_max),
                       "more task")
            + "; --json has all\n";
  return text;
}

} // namespace

std::string_view to_string(RunPhase phase) {
  switch (phase) {
    case RUN_GOES_ON:
      return "running";
    case RUN_SUCCEEDED:
      return "succeeded";
    case RUN_FAILED:
      return "failed";
    case RUN_CANCELLED:
      return "cancelled";
    case RUN_UNREADABLE:
      return "unreadable";
    default:
      return "unknown";
  }
}

std::optional<RunPhase> phase_named(std::string_view word) {
  for (auto one : {RUN_GOES_ON, RUN_SUCCEEDED, RUN_FAILED, RUN_CANCELLED, RUN_UNREADABLE})
    if (word == to_string(one))
      return one;
  return std::nullopt;
}

std::string runs_text(const gathered_runs& found, std::int64_t now_ms, bool colours) {
  if (found.runs.empty())
    return "no durable runs\n";
  std::vector<std::vector<std::string>> rows{
      {"RUN", "GRAPH", "STATE", "DONE", "AGE", "TOOK", "NODE"}};
  auto digits = digits_needed(found.runs);
  for (const auto& run : found.runs)
    rows.push_back({id_of(run.summary).substr(0, digits), one_line(run.summary.graph()),
                    state_text(run.summary.phase(), colours), progress_text(run.summary),
                    time_between(run.summary.accepted_ms(), now_ms), took_text(run.summary),
                    one_line(run.owner_name)});
  auto text = table(rows, colours);
  return found.more ? text + "there are more; --limit N shows up to N\n" : text;
}

std::string missing_text(const gathered_runs& found) {
  std::string text;
  for (const auto& node : found.silent)
    text += "troupe: " + one_line(node.name)
            + " did not answer, its runs are not shown: " + one_line(node.why) + "\n";
  return text;
}

json summary_json(const owned_run& run) {
  const auto& told = run.summary;
  json made{{"run", id_of(told)},
            {"graph", told.graph()},
            {"state", to_string(told.phase())},
            {"durability", to_string(told.durability())},
            {"node", run.owner_name},
            {"done", told.done()},
            {"failed", told.failed()},
            {"total", told.total()},
            {"accepted_ms", told.accepted_ms()},
            {"ended_ms", told.ended_ms() == 0 ? json(nullptr) : json(told.ended_ms())},
            {"resumed", told.resumed()},
            {"waits_for_version", told.waits_for_version()}};
  if (!told.key().empty())
    made["key"] = told.key();
  if (!told.retry_of().empty())
    made["retry_of"] = to_string(run_from_bytes(told.retry_of()));
  if (told.has_failure())
    made["error"] = to_json(from_proto(told.failure()));
  return made;
}

json runs_json(const gathered_runs& found) {
  auto runs = json::array();
  for (const auto& run : found.runs)
    runs.push_back(summary_json(run));
  auto silent = json::array();
  for (const auto& node : found.silent)
    silent.push_back({{"node", node.name}, {"why", node.why}});
  return {{"runs", std::move(runs)}, {"more", found.more}, {"unanswered", std::move(silent)}};
}

std::string shown_text(const owned_run& run, const run_outcome& outcome, std::int64_t now_ms,
                       bool colours) {
  const auto& told = run.summary;
  std::string text;
  auto line = [&text](const std::string& title, const std::string& what) {
    if (!what.empty())
      text += title + std::string(12 - title.size(), ' ') + what + "\n";
  };
  line("run", id_of(told));
  line("graph", one_line(told.graph()));
  line("state", state_text(told.phase(), colours));
  line("durability", std::string{to_string(told.durability())});
  line("key", one_line(told.key()));
  line("retry of", told.retry_of().empty() ? "" : to_string(run_from_bytes(told.retry_of())));
  line("node", one_line(run.owner_name));
  line("accepted",
       moment_text(told.accepted_ms()) + ", " + time_between(told.accepted_ms(), now_ms) + " ago");
  line("took", told.ended_ms() == 0 ? "" : took_text(told));
  line("resumed", told.resumed() == 0 ? "" : count_of(told.resumed(), "time"));
  line("tasks", progress_text(told));
  line("tokens", std::to_string(outcome.ended.input_tokens()) + "→"
                     + std::to_string(outcome.ended.output_tokens()));
  line("cost", outcome.ended.cost_nano_usd() > 0 ? money_text(outcome.ended.cost_nano_usd()) : "");
  line("failure", told.has_failure() ? one_line(told.failure().message()) : "");
  if (auto tasks = told.waits_for_version(); tasks > 0)
    text += count_of(tasks, "task") + (tasks == 1 ? " waits" : " wait")
            + " for a node with another version; `troupe runs retry "
            + id_of(told).substr(0, short_id_digits_min) + "` begins anew without recorded calls\n";
  if (auto twice = paid_twice_text(outcome.ended.unknown_steps()); !twice.empty())
    text += twice + "\n";
  text += tasks_text(run, outcome, colours);
  return told.phase() == RUN_SUCCEEDED
             ? text + "\n`troupe runs attach " + id_of(told).substr(0, short_id_digits_min)
                   + "` prints its result\n"
             : text;
}

json shown_json(const owned_run& run, const run_outcome& outcome) {
  auto made = summary_json(run);
  auto ended = ended_json(outcome);
  if (!outcome.ended.has_result()) // it is not told here: a result may be large
    ended.erase("result");
  if (run.summary.phase() == RUN_GOES_ON) {
    ended.erase("ok");
    ended.erase("error");
  }
  made.update(ended);
  return made;
}

} // namespace troupe::cli
