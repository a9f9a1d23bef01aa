#include "tests/sim/checks.hpp"

#include "actors/agents/values.hpp"
#include "actors/cluster/member_view.hpp"
#include "config/limits/work.hpp"
#include "messages/agents.pb.h"
#include "messages/cluster.pb.h"
#include "messages/journal.pb.h"
#include "messages/runs.pb.h"

#include <algorithm>
#include <string>

namespace troupe::sim {

using namespace std::chrono_literals;

namespace {

/// Beyond the time that a request has: for a client to notice that its link is gone, and to come
/// back.
constexpr auto grace = 60s;
constexpr auto message_time = 20s;
/// A run has no time of its own: its tasks may wait for those of others, and be tried again.
constexpr auto run_time = 120s;

bool certainly_not_done(ec code) {
  switch (code) {
    case ec::unavailable:
    case ec::overloaded:
    case ec::refused:
    case ec::storage_failed:
    case ec::unknown_role:
    case ec::invalid_argument:
      return true;
    default:
      return false;
  }
}

/// The number as reports tell it: each life of an owner begins again.
std::uint32_t in_its_life(std::uint32_t attempt) {
  return (attempt - 1) % limits::task_attempts_max + 1;
}

} // namespace

checker::checker(world& in, const quick_answers& answers) : world_(in), answers_(answers) {
  in.on().sees = [this](envelope& message, node_id from) { see(message, from); };
}

void checker::see(envelope& message, node_id from) {
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
      wrong("two runs were begun for submission " + std::to_string(message.id.sequence));
  }
}

std::vector<std::string> checker::judge(const workload& asked) {
  for (const auto& defect : world_.on().defects)
    wrong(defect);
  check_answers(asked);
  for (const auto& run : asked.runs())
    if (run->ended)
      check_run(*run);
  check_idle();
  read_disks();
  check_durable(asked);
  check_facts(asked);
  check_documents(asked);
  check_texts(asked);
  return wrong_;
}

void checker::check_answers(const workload& asked) {
  for (const auto& who : asked.waiting())
    wrong("never answered: " + who);
  for (const auto& fact : asked.facts())
    check_time(fact->text, fact->answer, fact->took, message_time);
  for (const auto& document : asked.documents())
    check_time("a document for " + document->librarian, document->answer, document->took,
               message_time);
  for (const auto* all : {&asked.to_quick(), &asked.to_talkers()})
    for (const auto& told : *all)
      check_time(told->text + " for " + told->agent, told->answer, told->took, message_time);
  for (const auto& run : asked.runs())
    if (run->ended)
      check_time("a run of " + std::to_string(run->items), ec::none, run->took, run_time);
}

void checker::check_time(const std::string& what, const std::optional<ec>& answer,
                         std::chrono::nanoseconds took, std::chrono::nanoseconds most) {
  if (answer && took > most + grace)
    wrong(what + " was answered late, after "
          + std::to_string(std::chrono::duration_cast<std::chrono::seconds>(took).count()) + " s");
}

void checker::check_run(const asked_run& run) {
  const auto& end = *run.ended;
  auto title = "a run of " + std::to_string(run.items) + " items";
  std::map<std::string, const TaskOutcome*> outcomes;
  for (const auto& task : end.tasks())
    if (!outcomes.emplace(task.task(), &task).second)
      wrong(title + " reports " + task.task() + " twice");
  if (!end.ok())
    return;
  auto tasks = run.items * tasks_of_item(run.graph);
  const auto& results = end.result().list();
  if (static_cast<std::size_t>(end.tasks_size()) != tasks
      || static_cast<std::size_t>(results.items_size()) != run.items)
    return wrong(title + " has " + std::to_string(end.tasks_size()) + " outcomes and "
                 + std::to_string(results.items_size()) + " results");
  for (int i = 0; i < results.items_size(); ++i) {
    auto index = std::to_string(i) + "]";
    check_counted(end, outcomes["last[" + index], results.items(i));
    if (run.graph == graph_kind::tellers)
      continue;
    auto whole = find_answer(run, results.items(i).integer());
    if (!whole)
      continue;
    if (run.graph == graph_kind::mixed)
      check_counted(end, outcomes["step1[" + index], value_of(whole->item));
    else if (auto first = find_answer(run, whole->item); first && first->item != i)
      wrong(title + ": item " + std::to_string(i) + " has the result of item "
            + std::to_string(first->item));
  }
}

/// The attempt that counts is the one that the run's report names. One that was never offered is
/// one that the owner made itself.
void checker::check_counted(const RunEnded& end, const TaskOutcome* about, const Value& counted) {
  if (!about)
    return wrong("a run that ended well does not tell of a task that has a result");
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
    wrong("nobody said what attempt " + std::to_string(task.attempts()) + " of " + task.task()
          + " came to, and it has a result");
  else if (!is_offered)
    wrong("the result of " + task.task() + " is not that of attempt "
          + std::to_string(task.attempts()) + ", which counts");
}

/// What a quick mind has said for this run. Null, and wrong: it has not, or it was counted before.
const quick_answers::about* checker::find_answer(const asked_run& run, std::int64_t number) {
  auto found = answers_.made.find(number);
  if (found == answers_.made.end() || found->second.run != run.number) {
    wrong("run " + std::to_string(run.number) + " has the result " + std::to_string(number)
          + ", which no quick mind has said for it");
    return nullptr;
  }
  if (!counted_.insert(number).second)
    wrong("the answer " + std::to_string(number) + " of a quick mind was counted twice");
  return &found->second;
}

void checker::check_texts(const workload& asked) {
  for (const auto& told : asked.to_quick()) {
    if (told->answer != ec::none)
      continue;
    auto said = std::find_if(answers_.made.begin(), answers_.made.end(), [&](const auto& one) {
      return one.second.text == told->text && std::to_string(one.first) == told->reply;
    });
    if (said == answers_.made.end())
      wrong(told->agent + " answered " + told->text + " with " + told->reply
            + ", which it never said");
  }
  for (const auto& told : asked.to_talkers())
    if (told->answer == ec::none && told->reply != talkers_say)
      wrong(told->agent + " answered " + told->text + " with a part of what its model said");
}

const NodeStatus* checker::status_of(std::size_t node) {
  world_.received.clear();
  if (world_.running(node))
    world_.send(node,
                make_envelope(message_kind::request, address::of(service::desk), StatusQuery{}));
  world_.run_until([&] { return !world_.received.empty(); }, 10s);
  return world_.received.empty() ? nullptr : world_.received.front().body.as<NodeStatus>();
}

void checker::await_left_runs(std::chrono::nanoseconds at_most) {
  auto are_there = [this] {
    for (std::size_t i = 0; i < world_.nodes(); ++i)
      if (auto status = status_of(i); status && status->runs_total() > 0)
        return true;
    return false;
  };
  for (auto until = world_.now() + at_most; world_.now() < until && are_there();)
    world_.run_until([] { return false; }, 1s);
}

void checker::check_idle() {
  for (std::size_t i = 0; i < world_.nodes(); ++i) {
    auto called = "node-" + std::to_string(i + 1);
    if (!world_.running(i)) {
      wrong(called + " does not run");
      continue;
    }
    auto status = status_of(i);
    if (!status) {
      wrong(called + " does not say how it is");
      continue;
    }
    for (const auto& role : status->roles())
      if (role.busy() > 0)
        wrong(called + " has " + std::to_string(role.busy()) + " busy slots of " + role.name());
    if (status->queue_length() + status->tasks_running() > 0)
      wrong(called + " still has tasks: " + std::to_string(status->queue_length()) + " wait, "
            + std::to_string(status->tasks_running()) + " run");
    if (status->runs_total() > 0)
      wrong(called + " still has " + std::to_string(status->runs_total()) + " runs");
  }
}

/// What is left when all machines have lost their power.
void checker::read_disks() {
  auto members = world_.running(0) ? world_.running(0)->view() : member_view{};
  for (std::size_t i = 0; i < world_.nodes(); ++i)
    world_.kill(i, true);
  for (std::size_t i = 0; i < world_.nodes(); ++i) {
    const auto& image = world_.disk_of(i).seen();
    for (const auto& [agent, snapshot] : image.states) {
      if (home_of(name{agent}, members) != world_.id(i))
        wrong("node-" + std::to_string(i + 1) + " has a state of " + agent
              + ", whose home it is not");
      auto& into = kept_[agent];
      if (snapshot.role() == "keeper") {
        keeper_mind::state state;
        if (!keeper_mind::load(state, snapshot.state()))
          wrong("the state of " + agent + " is damaged");
        into.insert(state.told.begin(), state.told.end());
        continue;
      }
      LibrarianState state;
      if (!state.ParseFromString(snapshot.state()))
        wrong("the state of " + agent + " is damaged");
      for (const auto& source : state.sources()) {
        into.insert(source.blob().sha256());
        if (!image.blobs.contains(source.blob().sha256()))
          wrong(agent + " remembers " + source.name() + ", which is not on its disk");
      }
    }
  }
}

/// A durable run that was accepted ends, whatever happens to its owner, and its end is on a disk.
void checker::check_durable(const workload& asked) {
  for (const auto& run : asked.runs()) {
    if (!run->durable || !run->accepted)
      continue;
    auto title = "the durable run " + std::to_string(run->number);
    // Its client could not wait, or asked again just when the owner failed.
    bool is_left = run->refused == ec::outcome_unknown || run->refused == ec::agent_failed;
    if (run->refused && !is_left)
      wrong(title + " was accepted, and then refused: " + std::string{to_string(*run->refused)});
    bool is_kept = false;
    for (std::size_t i = 0; i < world_.nodes(); ++i)
      is_kept = is_kept || world_.disk_of(i).seen().journal.last(run->id);
    if (run->ended && !is_kept)
      wrong(title + " has ended, and its end is in no journal");
  }
}

void checker::check_documents(const workload& asked) {
  for (const auto& document : asked.documents()) {
    auto times = kept_[document->librarian].count(document->sha256);
    if (times > 1)
      wrong(document->librarian + " remembers a document " + std::to_string(times) + " times");
    if (document->answer == ec::none && times == 0)
      wrong(document->librarian + " has forgotten a document that it has confirmed");
  }
}

void checker::check_facts(const workload& asked) {
  for (const auto& fact : asked.facts()) {
    auto times = kept_[fact->keeper].count(fact->text);
    auto called = fact->text + " of " + fact->keeper;
    if (times > 1)
      wrong(called + " was done " + std::to_string(times) + " times");
    if (fact->answer == ec::none && times == 0)
      wrong(called + " was acknowledged and is lost");
    if (fact->answer && certainly_not_done(*fact->answer) && times > 0)
      wrong(called + " was refused (" + std::string{to_string(*fact->answer)} + ": " + fact->why
            + ") and was done");
  }
}

} // namespace troupe::sim
