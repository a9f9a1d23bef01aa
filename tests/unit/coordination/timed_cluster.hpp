#pragma once

#include "actors/coordination/coordinator_logic.hpp"
#include "actors/coordination/queue_logic.hpp"
#include "actors/timer_table.hpp"
#include "messages/agents.pb.h"
#include "messages/cluster.pb.h"
#include "messages/runs.pb.h"
#include "messages/values.pb.h"
#include "tests/unit/coordination/hand.hpp"

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <tuple>
#include <vector>

namespace troupe::tests {

/// Coordinators and queues of several nodes, together in one thread, on simulated time. Messages
/// take a moment, agents take the time that the test says, and timers fire when they are due.
class timed_cluster {
public:
  struct options {
    std::uint32_t nodes = 3;
    std::uint32_t slots = 10; ///< for each role on each node
    std::size_t tasks_max = 10'000;
    std::uint64_t seed = 1;
    std::uint32_t capacity = 0; ///< announced for each node; zero: as many as its slots
  };
  struct run_result {
    std::optional<RunEnded> ended;
    instant at{};
  };

  explicit timed_cluster(options chosen)
      : options_(chosen), random_(chosen.seed), draw_(chosen.seed) {
    for (std::uint32_t i = 0; i < options_.nodes; ++i) {
      add(i, service::coordinator,
          std::make_unique<coordinator_logic>(coordinator_options{options_.slots, 100}, roles,
                                              counted));
      add(i, service::queue,
          std::make_unique<queue_logic>(queue_options{options_.slots, options_.tasks_max}, roles,
                                        counted));
    }
    announce();
  }

  role_table roles = some_roles();
  metrics counted;
  instant now{1'000s};
  /// How long an agent needs for a task.
  std::function<std::chrono::nanoseconds(const Task&)> takes = [](const Task&) { return 1s; };
  /// Which messages get lost, between nodes or within one.
  std::function<bool(const envelope&)> loses = [](const envelope&) { return false; };
  /// Whether the agent in a slot gives a task up when it is told to.
  std::function<bool(const Task&)> obeys = [](const Task&) { return true; };
  std::map<std::uint64_t, run_result> results; ///< by submission number
  std::map<std::string, int> executions;       ///< how often an agent began it, by run and task
  std::uint64_t begun = 0;                     ///< in total
  std::uint64_t replaced = 0;                  ///< replaced agents
  std::set<node_id> down;

  static node_id id_of(std::uint32_t node) { return {0xa + node, 1}; }

  /// Submits a run to the coordinator of a node and returns the submission number.
  std::uint64_t submit(std::uint32_t node, Graph graph, std::uint64_t session = 42) {
    RunSubmit submit;
    *submit.mutable_graph() = std::move(graph);
    auto request = make_envelope(message_kind::request,
                                 address::of(service::coordinator, id_of(node)), std::move(submit));
    request.sender = address::of_session({session}, id_of(node));
    request.id = {{session}, ++submitted_};
    send(std::move(request));
    return submitted_;
  }
  std::string run_of(std::uint64_t number) const { return accepted_.at(number); }
  template <class Message>
  void tell(std::uint32_t node, service whom, Message message) {
    send(make_envelope(message_kind::event, address::of(whom, id_of(node)), std::move(message)));
  }
  /// Tells all coordinators and queues which nodes are up, according to `down`.
  void announce() {
    for (std::uint32_t at = 0; at < options_.nodes; ++at) {
      std::vector<Member> members;
      for (std::uint32_t i = 0; i < options_.nodes; ++i)
        members.push_back(make_member(id_of(i), down.contains(id_of(i)) ? MEMBER_DOWN : MEMBER_UP,
                                      options_.capacity > 0 ? options_.capacity : options_.slots));
      for (auto svc : {service::coordinator, service::queue})
        tell(at, svc, make_members(members));
    }
  }
  /// Restarts a logic, which then knows nothing.
  void restart(std::uint32_t node, service which) {
    std::unique_ptr<logic> fresh;
    if (which == service::queue)
      fresh = std::make_unique<queue_logic>(queue_options{options_.slots, options_.tasks_max},
                                            roles, counted);
    else
      fresh = std::make_unique<coordinator_logic>(coordinator_options{options_.slots, 100}, roles,
                                                  counted);
    add(node, which, std::move(fresh));
  }

  /// Continues until `done` returns true. False: no event is left, or the time is over.
  bool run_until(const std::function<bool()>& done, std::chrono::nanoseconds at_most = 1h) {
    auto end = now + at_most;
    while (!done()) {
      if (agenda_.empty() || agenda_.begin()->first.first > end) {
        now = end;
        return false;
      }
      auto next = agenda_.extract(agenda_.begin());
      now = std::max(now, next.key().first);
      next.mapped()();
    }
    return true;
  }
  void run_for(std::chrono::nanoseconds time) {
    run_until([] { return false; }, time);
  }
  bool all_ended() const { return results.size() == submitted_; }
  /// How many tasks agents work on now, on all nodes.
  std::size_t at_work() const { return working_.size(); }

private:
  struct actor {
    std::unique_ptr<logic> mind;
    timer_table timers;
  };
  using place = std::pair<node_id, service>;
  struct random final : random_source {
    explicit random(std::uint64_t seed) : engine(seed) {}
    std::uint64_t next() override { return engine(); }
    std::mt19937_64 engine;
  };

  void later(std::chrono::nanoseconds after, std::function<void()> what) {
    agenda_.emplace(std::pair{now + after, ++made_}, std::move(what));
  }
  void add(std::uint32_t node, service which, std::unique_ptr<logic> mind) {
    auto self = address::of(which, id_of(node));
    auto& made = actors_[{id_of(node), which}];
    made = {std::move(mind), {}};
    drive(self, [&](step_context& context) { made.mind->start(context, self); });
  }
  void drive(const address& self, const std::function<void(step_context&)>& call) {
    outputs out;
    step_context context{now, random_, out};
    call(context);
    for (auto& sent : out.sends)
      send(std::move(sent));
    auto& own = actors_.at({self.node, self.svc});
    for (auto& timer : out.timers)
      own.timers.arm(timer.id, now, timer.after);
    if (auto due = own.timers.next(); !out.timers.empty() && due)
      later(std::max(*due - now, std::chrono::nanoseconds{0}), [this, self] { tick(self); });
  }
  void tick(const address& self) {
    auto& own = actors_.at({self.node, self.svc});
    while (auto timer = own.timers.pop_due(now))
      drive(self, [&](step_context& context) { own.mind->step(context, timer_fired{*timer}); });
    if (auto due = own.timers.next())
      later(std::max(*due - now, std::chrono::nanoseconds{0}), [this, self] { tick(self); });
  }
  void send(envelope message) {
    auto from = message.sender.node, to = message.target.node;
    if (from && from != to && (down.contains(from) || down.contains(to)))
      return;
    if (loses(message))
      return;
    auto parcel = std::make_shared<envelope>(std::move(message));
    later(from == to ? 10us : 200us, [this, parcel] { deliver(*parcel); });
  }
  void deliver(envelope& message) {
    if (message.target.what == address::kind::session)
      return told(message);
    if (message.target.what == address::kind::agent)
      return at_agent(message);
    if (message.target.svc == service::roles)
      return at_roles(message);
    auto found = actors_.find({message.target.node, message.target.svc});
    if (found != actors_.end())
      drive(message.target,
            [&](step_context& context) { found->second.mind->step(context, std::move(message)); });
  }
  void told(envelope& message) {
    if (auto accepted = message.body.as<RunAccepted>())
      accepted_[message.id.sequence] = accepted->run();
    if (auto ended = message.body.as<RunEnded>())
      results[message.id.sequence] = {*ended, now};
  }
  void at_agent(envelope& message) {
    auto key = std::tuple{message.target.node, message.target.agent.text(), message.id.sequence};
    std::tuple<node_id, std::string, std::uint64_t> mine{
        std::get<0>(key), std::string{std::get<1>(key)}, std::get<2>(key)};
    if (message.kind == message_kind::cancel) {
      auto found = working_.find(mine);
      if (found == working_.end() || !obeys(found->second->body.as<TaskWork>()->task()))
        return;
      send(reply_failure(*found->second, {ec::cancelled, "told to"}));
      working_.erase(found);
      return;
    }
    const auto& task = message.body.as<TaskWork>()->task();
    ++executions[task.run() + task.id()];
    ++begun;
    auto time = takes(task);
    working_[mine] = std::make_shared<envelope>(std::move(message));
    later(time, [this, mine] {
      auto found = working_.find(mine);
      if (found == working_.end())
        return;
      AgentReply reply;
      reply.mutable_output()->set_text("done");
      send(reply_to(*found->second, std::move(reply)));
      working_.erase(found);
    });
  }
  void at_roles(envelope& message) {
    auto order = message.body.as<AgentStop>();
    if (!order)
      return;
    ++replaced;
    std::erase_if(working_, [&](const auto& one) {
      return std::get<0>(one.first) == message.target.node
             && std::get<1>(one.first) == order->agent();
    });
    send(reply_to(message, AgentStop{}));
  }

  options options_;
  random random_;
  std::mt19937_64 draw_;
  std::map<place, actor> actors_;
  std::map<std::pair<instant, std::uint64_t>, std::function<void()>> agenda_;
  std::uint64_t made_ = 0;
  std::uint64_t submitted_ = 0;
  std::map<std::uint64_t, std::string> accepted_;
  std::map<std::tuple<node_id, std::string, std::uint64_t>, std::shared_ptr<envelope>> working_;
};

/// `tasks` independent tasks, each with the time limit `time`.
inline Graph alike(int tasks, std::chrono::milliseconds time, const std::string& role = "reader") {
  Graph graph;
  graph.set_name("alike");
  for (int i = 0; i < tasks; ++i) {
    auto task = graph.add_tasks();
    task->set_id("t" + std::to_string(i));
    task->set_role(role);
    task->set_time_ms(static_cast<std::uint64_t>(time.count()));
  }
  return graph;
}

} // namespace troupe::tests
