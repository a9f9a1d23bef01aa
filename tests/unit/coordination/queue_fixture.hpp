#pragma once

#include "actors/coordination/queue_logic.hpp"
#include "config/limits/runs.hpp"
#include "messages/agents.pb.h"
#include "messages/cluster.pb.h"
#include "messages/runs.pb.h"
#include "messages/values.pb.h"
#include "tests/unit/coordination/hand.hpp"

namespace troupe::tests {

/// Timers of the queue.
inline constexpr std::uint32_t timer_slots = 1, timer_owners = 2;

/// A queue on node `b` with two slots for each role and room for three more tasks of that role.
class queue : public ::testing::Test {
protected:
  role_table roles = some_roles();
  metrics counted;
  queue_logic logic{{2, 3, "node-b"}, roles, counted};
  hand by{logic, service::queue, node_b};

  static Task task(std::uint32_t index, const std::string& role = "reader",
                   std::uint32_t attempt = 1, run_id run = {5, 5}) {
    Task made;
    made.set_run(to_bytes(run));
    made.set_index(index);
    made.set_attempt(attempt);
    made.set_id("t" + std::to_string(index));
    made.set_role(role);
    made.set_time_ms(1'000);
    made.set_trace_lo(7);
    made.set_span(8);
    made.set_trace_flags(1);
    made.set_run_span(6);
    made.set_ready_ns(1);
    made.set_offered_ns(2);
    (*made.mutable_input())["x"].set_integer(index);
    return made;
  }
  void offer(std::vector<Task> tasks) {
    TaskOffer made;
    made.set_owner(to_bytes(node_a));
    for (auto& one : tasks)
      *made.add_tasks() = std::move(one);
    by.tell(std::move(made));
  }
  std::uint32_t busy(const std::string& role) {
    by.ask(SlotsQuery{}, address::of(service::desk, node_b));
    auto counted_slots = by.only<SlotsCounted>();
    for (const auto& one : counted_slots.roles())
      if (one.role() == role)
        return one.count();
    return 0;
  }
  std::vector<envelope> work() { return by.take_envelopes<TaskWork>(); }
  std::vector<envelope> cancels() {
    std::vector<envelope> taken;
    for (auto& sent : by.out.sends)
      if (sent.kind == message_kind::cancel)
        taken.push_back(std::move(sent));
    std::erase_if(by.out.sends, [](const auto& sent) { return sent.kind == message_kind::cancel; });
    return taken;
  }
  std::vector<std::chrono::nanoseconds> deadlines() const {
    std::vector<std::chrono::nanoseconds> armed;
    for (const auto& timer : by.out.timers)
      if (timer.id == timer_slots)
        armed.push_back(timer.after);
    return armed;
  }
  void call_off(std::vector<std::pair<std::uint32_t, std::uint32_t>> attempts,
                run_id run = {5, 5}) {
    TaskCancel cancel;
    cancel.set_run(to_bytes(run));
    for (auto [index, attempt] : attempts) {
      auto one = cancel.add_tasks();
      one->set_index(index);
      one->set_attempt(attempt);
    }
    by.tell(std::move(cancel));
  }
  void members(MemberState a, std::uint64_t incarnation = 1) {
    auto owner = make_member(node_a, a);
    owner.mutable_info()->set_incarnation(incarnation);
    by.tell(make_members({owner, make_member(node_b, MEMBER_UP)}));
  }
  template <class Message>
  void answer(const envelope& request, Message message) {
    by.give(reply_to(request, std::move(message)));
  }
  void answer_well(const envelope& request) {
    AgentReply reply;
    reply.mutable_output()->set_text("good");
    reply.set_input_tokens(3);
    reply.set_output_tokens(4);
    reply.set_cost_nano_usd(5);
    answer(request, std::move(reply));
  }
  static std::vector<std::uint32_t> indices(std::vector<envelope>& all) {
    std::vector<std::uint32_t> found;
    for (auto& sent : all)
      found.push_back(sent.body.as<TaskWork>()->task().index());
    return found;
  }
  using numbers = std::vector<std::uint32_t>;
};

} // namespace troupe::tests
