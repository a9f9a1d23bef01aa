#include "tests/sim/checks.hpp"

#include "actors/agents/step_history.hpp"
#include "actors/cluster/member_view.hpp"
#include "messages/agents.pb.h"
#include "messages/cluster.pb.h"
#include "messages/models.pb.h"
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
constexpr auto unsynced_time = 100ms; ///< what an `async` run may lose (docs/durable-runs.md)

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

} // namespace

checker::checker(world& in, const quick_answers& answers, const provider_ledger& ledger)
    : world_(in), answers_(answers),
      steps_(in, ledger, [this](std::string what) { wrong(std::move(what)); }),
      runs_(in, answers, steps_, [this](std::string what) { wrong(std::move(what)); }) {
  in.on().sees = [this](envelope& message, node_id from) {
    see(message);
    runs_.sees(message, from);
    steps_.sees(message, from);
  };
}

void checker::see(envelope& message) {
  auto has_outcome = [](const StepRecord& step) { return step.kind() != 0; };
  if (auto call = message.body.as<ModelRequest>())
    see_call(*call, message.sender);
  else if (auto found = message.body.as<SnapshotFound>())
    for (const auto& one : found->open())
      taken_up_ += std::any_of(one.steps().begin(), one.steps().end(), has_outcome) ? 1u : 0u;
}

/// The questions of an adviser are all different: each has its text.
void checker::see_call(const ModelRequest& call, const address& caller) {
  if (caller.what != address::kind::agent || role_of(caller.agent) != "adviser")
    return;
  auto hash = step_history::hash_of(payload_kind::ModelRequest, call);
  for (std::size_t i = 0; i < world_.nodes(); ++i) {
    const auto& open = world_.disk_of(i).seen().open;
    auto found = open.find(caller.agent.text());
    if (found == open.end())
      continue;
    for (const auto& one : found->second.all())
      for (const auto& step : one.steps())
        if (step.kind() != 0 && step.asked() == hash)
          wrong(std::string{caller.agent.text()} + " asks " + call.messages(0).content()
                + " again, and what came of it is recorded");
  }
}

std::vector<std::string> checker::judge(const workload& asked) {
  for (const auto& defect : world_.on().defects)
    wrong(defect);
  check_answers(asked);
  check_idle();
  read_disks();
  runs_.judge(asked.runs());
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
    auto unsynced = world_.disk_of(i).unsynced_max();
    if (!pauses && unsynced > unsynced_time)
      wrong(
          "node-" + std::to_string(i + 1) + " has not synced what happened to its runs for "
          + std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(unsynced).count())
          + " ms");
    const auto& image = world_.disk_of(i).seen();
    for (const auto& [agent, snapshot] : image.states) {
      if (home_of(name{agent}, members) != world_.id(i))
        wrong("node-" + std::to_string(i + 1) + " has a state of " + agent
              + ", whose home it is not");
      auto& into = kept_[agent];
      if (snapshot.role() == "keeper" || snapshot.role() == "adviser") {
        keeper_mind::state state;
        if (!keeper_mind::load(state, snapshot.state()))
          wrong("the state of " + agent + " is damaged");
        into.insert(state.told.begin(), state.told.end());
        told_[agent] = state.told;
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
    const auto& told = told_[fact->keeper];
    auto place = std::find(told.begin(), told.end(), fact->text) - told.begin() + 1;
    auto right = std::to_string(place);
    if (fact->keeper.starts_with("adviser/"))
      right += ": " + talkers_say;
    if (fact->answer == ec::none && times == 1 && fact->reply != right)
      wrong(called + " was answered with " + fact->reply + ", and it is number "
            + std::to_string(place));
    if (fact->answer == ec::nondeterminism)
      wrong(called + " was asked for otherwise than before: " + fact->why);
    if (fact->answer && certainly_not_done(*fact->answer) && times > 0)
      wrong(called + " was refused (" + std::string{to_string(*fact->answer)} + ": " + fact->why
            + ") and was done");
  }
}

} // namespace troupe::sim
