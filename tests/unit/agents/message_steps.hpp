#pragma once

#include "persistence/state_store.hpp"
#include "tests/unit/agents/durable_task.hpp"

#include <functional>

namespace troupe::tests {

/// A durable agent that asks models, the store beside it, and the client `ada`. Messages are the
/// plans of `planned_mind`; what it asks depends on the plans of earlier messages, its state.
struct message_steps : ::testing::Test {
  metrics counted;
  stage scene;
  role kind = planner();
  std::unique_ptr<state_store> store = make_memory_state_store();
  std::size_t writes = 0; ///< of the store
  std::unique_ptr<agent_logic> agent;

  static role planner() {
    auto made = durable_task::planned();
    made.info.set_for_talk(true);
    made.durable = true;
    return made;
  }
  void SetUp() override { crash(); }
  /// Only what is on disk is left.
  void crash() {
    agent = std::make_unique<agent_logic>(std::make_shared<const role>(kind), counted);
    scene.start(*agent, address::of_agent(name{"planner/ada"}, this_node));
  }
  std::vector<envelope> give(event input) {
    auto sends = std::move(scene.step(*agent, std::move(input)).sends);
    EXPECT_TRUE(agent->invariants());
    return sends;
  }
  static envelope message(std::string plan, std::uint64_t number, std::uint16_t attempt = 1,
                          session_id from = ada) {
    auto made = request_of("planner/ada", number, saying(std::move(plan)), attempt);
    made.id.session = from;
    made.sender = address::of_session(from, this_node);
    return made;
  }
  /// What the store answers; nothing if it is not for the store.
  std::optional<envelope> stored(envelope& sent) {
    if (sent.body.as<SnapshotGet>()) {
      SnapshotFound found;
      auto state = store->get("planner/ada");
      found.set_found((*state).has_value());
      if (*state)
        *found.mutable_snapshot() = **state;
      auto open = store->open_messages_of("planner/ada");
      for (auto& one : *open)
        *found.add_open() = one;
      return reply_to(sent, found);
    }
    if (auto steps = sent.body.as<StepsMade>()) {
      EXPECT_EQ(sent.target, address::of(service::state, this_node));
      EXPECT_TRUE(store->put(*steps));
      ++writes;
      return reply_to(sent, StepsKept{});
    }
    if (auto put = sent.body.as<SnapshotPut>()) {
      state_write one{put->agent(), put->snapshot(),
                      {},           put->has_change() ? &put->change() : nullptr,
                      nullptr,      &put->settled()};
      EXPECT_TRUE(store->put(std::span<const state_write>{&one, 1}));
      ++writes;
      return reply_to(sent, SnapshotWritten{});
    }
    return std::nullopt;
  }
  /// Plays the store until the agent asks it for nothing more; returns what is for others.
  std::vector<envelope> played(std::vector<envelope> sent) {
    std::vector<envelope> others;
    for (std::size_t i = 0; i < sent.size(); ++i) {
      auto answer = stored(sent[i]);
      if (!answer) {
        others.push_back(std::move(sent[i]));
        continue;
      }
      for (auto& one : give(*std::move(answer)))
        sent.push_back(std::move(one));
    }
    return others;
  }
  std::vector<envelope> ask(std::string plan, std::uint64_t number, std::uint16_t attempt = 1,
                            session_id from = ada) {
    return played(give(message(std::move(plan), number, attempt, from)));
  }
  std::vector<envelope> answer(envelope& call, std::string text) {
    return played(give(reply_to(call, durable_task::answer(std::move(text)))));
  }
  /// The outcome is on disk, and the agent's process ends before it hears so.
  void answer_and_crash(envelope& call, std::string text) {
    auto sent = give(reply_to(call, durable_task::answer(std::move(text))));
    ASSERT_EQ(sent.size(), 1u);
    ASSERT_TRUE(sent[0].body.as<StepsMade>());
    stored(sent[0]);
    crash();
  }
  static std::string question(std::vector<envelope>& sent) {
    auto call = sent.size() == 1 ? sent[0].body.as<ModelRequest>() : nullptr;
    return call ? call->messages(0).content() : "no call among " + std::to_string(sent.size());
  }
  static std::string text_of(std::vector<envelope>& sent) { return durable_task::text_of(sent); }
  static failure failure_of(std::vector<envelope>& sent) { return durable_task::failure_of(sent); }
  static std::string notes_of(std::vector<envelope>& sent) {
    auto reply = sent.size() == 1 ? sent[0].body.as<AgentReply>() : nullptr;
    std::string all;
    if (reply)
      for (const auto& one : reply->notes())
        all += one + ";";
    return all;
  }
  std::size_t open() { return store->open_messages_of("planner/ada")->size(); }
  std::string state() {
    auto found = store->get("planner/ada");
    return *found ? (*found)->state() : "nothing";
  }
};

} // namespace troupe::tests
