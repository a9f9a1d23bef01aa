#pragma once

#include "actors/agents/agent_logic.hpp"
#include "messages/agents.pb.h"
#include "messages/models.pb.h"
#include "messages/runs.pb.h"
#include "tests/unit/agents/stage.hpp"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace troupe::tests {

using namespace std::chrono_literals;

/// Asks what its plan says: one call for each letter before the first bar at once; when it has
/// heard of one outcome, those behind the first bar, and so on: "ab|c". A capital asks for
/// embeddings, `x` fetches a blob. Each question holds all that was heard so far. Its reply is what
/// it has heard, in that order. It fails with what fails, unless the plan begins with "?".
struct planned_mind {
  struct state {
    std::vector<std::string> parts;
    std::string asked; ///< letters, by the number of the request
    std::string told;
    std::size_t heard = 0;
    bool goes_on = false;
    std::string before; ///< the plans of earlier tasks
  };
  std::pair<state, commands> decide(state&& now, mind_event happened) const {
    commands todo;
    if (auto task = std::get_if<message_received>(&happened))
      begin(now, *task, todo);
    else if (auto chat = std::get_if<model_answered>(&happened))
      heard(now, chat->request, chat->answer.text(), chat->error, todo);
    else if (auto texts = std::get_if<texts_embedded>(&happened))
      heard(now, texts->request, texts->answer.id(), texts->error, todo);
    else if (auto blob = std::get_if<blob_fetched>(&happened))
      heard(now, blob->request, blob->bytes, blob->error, todo);
    return {std::move(now), std::move(todo)};
  }
  static void begin(state& now, const message_received& task, commands& todo) {
    auto before = now.before;
    now = {};
    auto plan = task.is_task ? task.input.fields().at("plan").text() : task.text;
    now.before = before + plan;
    now.goes_on = plan.starts_with('?');
    std::size_t at = now.goes_on ? 1 : 0;
    for (auto bar = plan.find('|', at); bar != plan.npos; bar = plan.find('|', at)) {
      now.parts.push_back(plan.substr(at, bar - at));
      at = bar + 1;
    }
    now.parts.push_back(plan.substr(at));
    now.told = before;
    ask(now, todo);
  }
  static void ask(state& now, commands& todo) {
    for (auto letter : now.parts[now.heard]) {
      auto request = static_cast<std::uint32_t>(now.asked.size());
      now.asked += letter;
      auto question = letter + now.told;
      if (letter == 'x') {
        todo.push_back(fetch_blob{request, {}});
      } else if (letter < 'a') {
        ask_embeddings asked{request, {}};
        asked.call.set_model("tiny");
        asked.call.add_inputs(question);
        todo.push_back(std::move(asked));
      } else {
        ask_model asked{request, {}, true, {}};
        asked.call.set_model("gpt-5");
        asked.call.add_messages()->set_content(question);
        todo.push_back(std::move(asked));
      }
    }
  }
  static void heard(state& now, std::uint32_t request, const std::string& text,
                    const failure& error, commands& todo) {
    if (error.code != ec::none && !now.goes_on) {
      todo.push_back(reply_failed{error});
      return;
    }
    now.told += now.asked.at(request);
    now.told += error.code == ec::none ? '=' + text : '!' + std::string{to_string(error.code)};
    now.told += ';';
    if (++now.heard < now.parts.size())
      ask(now, todo);
    if (now.heard == now.asked.size()) {
      reply_with made;
      made.reply.set_text(now.told);
      todo.push_back(std::move(made));
    }
  }
  static std::string save(const state& now) { return now.before; }
  static bool load(state& now, std::string_view bytes) {
    now.before = bytes;
    return true;
  }
};

/// What the owner of a run has kept of one task.
struct kept_steps {
  std::map<std::uint32_t, StepRecord> records;
  std::size_t begun_again = 0;

  void keep(const StepsMade& made) {
    for (const auto& step : made.steps()) {
      auto found = records.find(step.number());
      bool begins = step.kind() == 0;
      if (begins && found != records.end())
        ++begun_again;
      EXPECT_TRUE(found == records.end() || found->second.kind() == 0
                  || found->second.outcome() == step.outcome())
          << "an outcome is final";
      EXPECT_TRUE(begins || found != records.end()) << "it was not told that it begins";
      records[step.number()] = step;
    }
  }
  std::size_t known() const {
    std::size_t count = 0;
    for (const auto& [number, step] : records)
      count += step.kind() != 0 ? 1u : 0u;
    return count;
  }
};

inline const node_id owner_node{3, 4};

/// A slot at work on a task of a durable run.
struct durable_task : ::testing::Test {
  metrics counted;
  stage scene;
  std::uint64_t sequence = 0;
  std::uint32_t attempt = 0;
  std::string plan = "a";
  role kind = planned();
  kept_steps owner;
  std::unique_ptr<agent_logic> slot;

  static role planned() {
    role made;
    made.info.set_name("planner");
    made.info.set_for_tasks(true);
    made.time_max = 60s;
    made.make = [] { return make_mind<planned_mind>(); };
    return made;
  }
  TaskWork work() {
    TaskWork made;
    made.set_owner(to_bytes(owner_node));
    auto& task = *made.mutable_task();
    task.set_run(to_bytes(run_id{5, 6}));
    task.set_index(7);
    task.set_attempt(++attempt);
    task.set_id("plan[7]");
    (*task.mutable_input())["plan"].set_text(plan);
    task.set_durable(true);
    for (const auto& [number, step] : owner.records)
      *task.add_steps() = step;
    return made;
  }
  envelope request_for(TaskWork todo) {
    auto made = make_envelope(message_kind::request,
                              address::of_agent(name{"planner#3"}, this_node), std::move(todo));
    made.id = {session_id{9}, ++sequence};
    made.sender = address::of(service::queue, this_node);
    return made;
  }
  void new_slot() {
    slot = std::make_unique<agent_logic>(std::make_shared<const role>(kind), counted);
    scene.start(*slot, address::of_agent(name{"planner#3"}, this_node));
  }
  /// The next attempt, in a slot that has done nothing yet. Returns what it sends at once.
  std::vector<envelope> begin() {
    new_slot();
    return give(request_for(work()));
  }
  std::vector<envelope> begin(std::string asks) {
    plan = std::move(asks);
    return begin();
  }
  std::vector<envelope> give(event input) {
    auto sends = std::move(scene.step(*slot, std::move(input)).sends);
    EXPECT_TRUE(slot->invariants());
    return sends;
  }

  static StepsMade told(std::vector<envelope>& sent, std::size_t at = 0) {
    auto made = at < sent.size() ? sent[at].body.as<StepsMade>() : nullptr;
    EXPECT_TRUE(made) << "message " << at << " of " << sent.size();
    return made ? *made : StepsMade{};
  }
  std::vector<envelope> keep(envelope& message) {
    auto made = message.body.as<StepsMade>();
    EXPECT_TRUE(made) << to_string(message.body.kind());
    if (made)
      owner.keep(*made);
    return give(reply_to(message, StepsKept{}));
  }
  static ModelAnswer answer(std::string text) {
    ModelAnswer made;
    made.set_text(std::move(text));
    made.set_input_tokens(3);
    made.set_output_tokens(4);
    made.set_cost_nano_usd(5);
    return made;
  }
  /// Begins an attempt with one question and takes it to its call.
  envelope asked_once(std::string asks = "a") {
    auto sent = begin(std::move(asks));
    sent = keep(sent.at(0));
    EXPECT_EQ(sent.size(), 1u);
    return std::move(sent.at(0));
  }
  static std::string text_of(std::vector<envelope>& sent) {
    auto reply = sent.size() == 1 ? sent[0].body.as<AgentReply>() : nullptr;
    return reply ? reply->text() : "no reply among " + std::to_string(sent.size());
  }
  static failure failure_of(std::vector<envelope>& sent) {
    return sent.empty() ? failure{} : failure_in(sent.back()).value_or(failure{});
  }
};

} // namespace troupe::tests
