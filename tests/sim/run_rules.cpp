#include "tests/sim/run_rules.hpp"

#include "actors/agents/values.hpp"
#include "actors/coordination/run_fold.hpp"
#include "config/base/hex.hpp"
#include "config/limits/work.hpp"
#include "messages/journal.pb.h"

#include <limits>
#include <string>

namespace troupe::sim {

namespace {

constexpr auto no_bound = std::numeric_limits<std::uint64_t>::max();

/// The number as reports tell it: each life of an owner begins again.
std::uint32_t in_its_life(std::uint32_t attempt) {
  return (attempt - 1) % limits::task_attempts_max + 1;
}

std::string title_of(const asked_run& run) {
  return (run.durability == DURABILITY_SYNC    ? "the run "
          : run.durability == DURABILITY_ASYNC ? "the async run "
                                               : "the run without a journal ")
         + std::to_string(run.number) + " of " + std::to_string(run.items) + " items"
         + (run.repeats ? ", which repeats another" : "");
}

bool is(ec code, const RunEnded& end) {
  return end.has_failure() && end.failure().code() == static_cast<std::uint32_t>(code);
}

/// Both say the same of the run as a whole.
bool are_equal(const RunEnded& one, const RunEnded& other) {
  return one.ok() == other.ok() && one.failure().code() == other.failure().code()
         && one.result().SerializeAsString() == other.result().SerializeAsString()
         && one.tasks_size() == other.tasks_size() && one.unknown_steps() == other.unknown_steps();
}

} // namespace

run_rules::run_rules(world& in, const quick_answers& answers, step_rules& steps, complaint wrong)
    : world_(in), answers_(answers), steps_(steps), wrong_(std::move(wrong)) {}

void run_rules::sees(envelope& message, node_id from) {
  if (auto offer = message.body.as<TaskOffer>()) {
    for (const auto& task : offer->tasks()) {
      ids_[{task.run(), task.index(), task.attempt()}] = task.id();
      offered_.emplace(task.run(), task.id(), in_its_life(task.attempt()));
    }
  } else if (auto done = message.body.as<TaskDone>(); done && !done->has_failure()) {
    auto id = ids_.find({done->run(), done->index(), done->attempt()});
    if (id != ids_.end())
      results_[{done->run(), id->second, in_its_life(done->attempt()), from}].insert(
          done->output());
  } else if (auto refused = message.body.as<TasksRefused>()) {
    for (const auto& task : refused->tasks()) // its owner may then make this attempt itself
      if (auto id = ids_.find({task.run(), task.index(), task.attempt()}); id != ids_.end())
        offered_.erase({task.run(), id->second, in_its_life(task.attempt())});
  } else if (auto append = message.body.as<JournalAppend>()) {
    for (const auto& entry : append->entries())
      if (RunEvent event; event.ParseFromString(entry.event()) && event.has_resumed())
        resumed_.insert(entry.run());
  } else if (auto accepted = message.body.as<RunAccepted>()) {
    auto& runs = begun_[message.id];
    if (runs.insert(accepted->run()).second && runs.size() == 2)
      wrong_("two runs were begun for submission " + std::to_string(message.id.sequence));
  }
}

void run_rules::judge(const std::vector<std::unique_ptr<asked_run>>& asked) {
  read_journals();
  check_origins();
  std::set<std::string> checked; // those with one key are one run
  for (const auto& run : asked) {
    if (run->durable() && run->accepted)
      check_durable(*run);
    else if (run->ended)
      check_end(*run, *run->ended);
    auto kept = kept_.find(run->id);
    if (run->accepted && kept != kept_.end() && checked.insert(run->id).second)
      check_end(*run, kept->second.ended);
  }
}

// -- the journals -------------------------------------------------------------------------------

void run_rules::read_journals() {
  for (std::size_t node = 0; node < world_.nodes(); ++node) {
    const auto& journal = world_.disk_of(node).seen().journal;
    for (const auto& run : journal.open_runs())
      wrong_("node-" + std::to_string(node + 1) + " has the run " + to_hex(run)
             + " in its journal, which has no end");
    auto ended = journal.ended(RUN_ANY, "", std::numeric_limits<std::size_t>::max());
    for (const auto& run : ended.runs())
      read_run(node, run.run());
  }
}

/// All events of a run, applied as its owner would if it began again.
void run_rules::read_run(std::size_t node, const std::string& run) {
  auto title = "the run " + to_hex(run) + " in the journal of node-" + std::to_string(node + 1);
  auto page = world_.disk_of(node).seen().journal.read(run, 0, no_bound);
  RunEvent event;
  if (!page || page->events.empty() || !event.ParseFromString(page->events.front()))
    return wrong_(title + " has no beginning");
  if (kept_.contains(run))
    wrong_(title + " is in another one, too");
  auto& kept = kept_[run];
  kept.began = event.began();
  auto self = world_.id(node);
  auto folded = run_fold::begin(run_from_bytes(run), std::move(event), self);
  if (!folded)
    return wrong_(title + " does not begin: " + folded.error().message);
  for (std::size_t i = 1; i < page->events.size(); ++i) {
    RunEvent next;
    if (!next.ParseFromString(page->events[i]))
      return wrong_(title + " has an event that is none");
    kept.is_cancelled = kept.is_cancelled || next.has_cancel_asked();
    if (next.has_finished()) {
      kept.summary = next.finished().summary();
      kept.ended.ParseFromString(next.finished().ended());
    }
    if (auto applied = run_fold::apply(**folded, std::move(next), self); !applied)
      return wrong_(title + ": " + applied.error().message);
  }
  auto& state = *(*folded)->state;
  state.go_on_to_the_end();
  RunEnded whole;
  state.report(whole);
  bool is_same =
      !kept.ended.ok()
      || (whole.ok()
          && whole.result().SerializeAsString() == kept.ended.result().SerializeAsString());
  if (!is_same)
    wrong_(title + " does not come to its end");
  if ((*folded)->unknown_steps != kept.ended.unknown_steps())
    wrong_(title + " reports " + std::to_string(kept.ended.unknown_steps())
           + " unknown steps, and its events have " + std::to_string((*folded)->unknown_steps));
}

void run_rules::check_origins() {
  std::map<std::string, std::size_t> keys;
  std::map<std::pair<std::uint64_t, std::uint64_t>, std::size_t> submissions;
  for (const auto& [id, kept] : kept_) {
    if (!kept.began.key().empty() && ++keys[kept.began.key()] == 2)
      wrong_("two runs were begun for the key " + kept.began.key());
    if (++submissions[{kept.began.session(), kept.began.number()}] == 2)
      wrong_("journals have two runs of submission " + std::to_string(kept.began.number()));
  }
}

/// A durable run that was accepted ends, whatever happens to its owner and to its clients.
void run_rules::check_durable(const asked_run& run) {
  if (run.refused || run.lost == ec::not_found)
    wrong_(title_of(run) + " was accepted, and its client was told: "
           + std::string{to_string(run.refused.value_or(ec::not_found))});
  auto kept = kept_.find(run.id);
  if (kept == kept_.end())
    return wrong_(title_of(run) + " was accepted, and its end is in no journal");
  if (!run.key.empty() && kept->second.began.key() != run.key)
    wrong_(title_of(run) + " with the " + run.key + " is that of another one");
  bool is_waited_for = run.ended || !run.told.empty() || run.cancelled;
  ended_alone_ += !is_waited_for;
  check_told(run, kept->second);
}

void run_rules::check_told(const asked_run& run, const kept_run& kept) {
  bool may_differ = kept.summary.durability() == DURABILITY_ASYNC && resumed_.contains(run.id);
  auto check = [&](const RunEnded& told, const char* whom) {
    if (!may_differ && !are_equal(told, kept.ended))
      wrong_(title_of(run) + " has another end than was told to " + whom);
  };
  if (run.ended)
    check(*run.ended, "who wanted it");
  for (const auto& told : run.told)
    check(told, "who attached itself");
  if (run.cancelled) {
    check(*run.cancelled, "who cancelled it");
    if (!is(ec::cancelled, *run.cancelled))
      wrong_(title_of(run) + " was cancelled, and who did so was told of another end");
  }
  if (kept.is_cancelled && kept.summary.phase() != RUN_CANCELLED)
    wrong_(title_of(run) + " was cancelled, and ended otherwise");
}

// -- its end ------------------------------------------------------------------------------------

void run_rules::check_end(const asked_run& run, const RunEnded& end) {
  std::set<std::string> told;
  for (const auto& task : end.tasks()) {
    if (!told.insert(task.task()).second)
      wrong_(title_of(run) + " reports " + task.task() + " twice");
    if (task.failure().code() == static_cast<std::uint32_t>(ec::nondeterminism))
      wrong_(title_of(run) + ": " + task.failure().message());
  }
  if (end.ok())
    check_results(run, end);
  if (run.durable() && run.graph == graph_kind::chains)
    steps_.check_reported(run.number, end);
}

void run_rules::check_results(const asked_run& run, const RunEnded& end) {
  auto title = title_of(run);
  std::map<std::string, const TaskOutcome*> outcomes;
  for (const auto& task : end.tasks())
    outcomes.emplace(task.task(), &task);
  auto tasks = run.items * tasks_of_item(run.graph);
  const auto& results = end.result().list();
  if (static_cast<std::size_t>(end.tasks_size()) != tasks
      || static_cast<std::size_t>(results.items_size()) != run.items)
    return wrong_(title + " has " + std::to_string(end.tasks_size()) + " outcomes and "
                  + std::to_string(results.items_size()) + " results");
  for (int i = 0; i < results.items_size(); ++i) {
    auto index = std::to_string(i) + "]";
    check_counted(end, outcomes["last[" + index], results.items(i));
    if (run.graph == graph_kind::chains)
      steps_.check_result(run.number, i, results.items(i).integer());
    if (run.graph == graph_kind::tellers || run.graph == graph_kind::chains)
      continue;
    auto whole = find_answer(run, end, results.items(i).integer());
    if (!whole)
      continue;
    if (run.graph == graph_kind::mixed)
      check_counted(end, outcomes["step1[" + index], value_of(whole->item));
    else if (auto first = find_answer(run, end, whole->item); first && first->item != i)
      wrong_(title + ": item " + std::to_string(i) + " has the result of item "
             + std::to_string(first->item));
  }
}

/// The attempt that counts is the one that the run's report names. One that was never offered is
/// one that the owner made itself, or that was made for the run that this one repeats.
void run_rules::check_counted(const RunEnded& end, const TaskOutcome* about, const Value& counted) {
  if (!about)
    return wrong_("a run that ended well does not tell of a task that has a result");
  const auto& task = *about;
  if (!offered_.contains({end.run(), task.task(), task.attempts()})) {
    ++done_by_owners_;
    return;
  }
  auto found =
      results_.find({end.run(), task.task(), task.attempts(), node_from_bytes(task.node())});
  bool is_offered = found != results_.end() && found->second.contains(counted.SerializeAsString());
  if (!is_offered && resumed_.contains(end.run()))
    ++done_by_owners_; // it was offered in another life
  else if (found == results_.end())
    wrong_("nobody said what attempt " + std::to_string(task.attempts()) + " of " + task.task()
           + " came to, and it has a result");
  else if (!is_offered)
    wrong_("the result of " + task.task() + " is not that of attempt "
           + std::to_string(task.attempts()) + ", which counts");
}

/// What a quick mind has said for this run. Null, and wrong: it has not, or it was counted before.
const quick_answers::about* run_rules::find_answer(const asked_run& run, const RunEnded& end,
                                                   std::int64_t number) {
  auto found = answers_.made.find(number);
  if (found == answers_.made.end() || found->second.run != run.number) {
    wrong_("run " + std::to_string(run.number) + " has the result " + std::to_string(number)
           + ", which no quick mind has said for it");
    return nullptr;
  }
  if (run.keeps_results)
    return &found->second;
  auto [by, is_first] = counted_.emplace(number, counted_for{&run, end.run()});
  // Those who submit with one key, or want a run retried that waits, are told the end of one run.
  bool is_same_run = by->second.asked != &run && by->second.run == end.run();
  if (!is_first && !is_same_run)
    wrong_("the answer " + std::to_string(number) + " of a quick mind was counted twice");
  return &found->second;
}

} // namespace troupe::sim
