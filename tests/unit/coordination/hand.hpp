#pragma once

#include "actors/agents/role.hpp"
#include "actors/coordination/graph_yaml.hpp"
#include "actors/coordination/run_state.hpp"
#include "actors/logic.hpp"
#include "messages/cluster.pb.h"
#include "messages/payload.hpp"
#include "messages/runs.pb.h"
#include "messages/value_bytes.hpp"
#include "messages/values.pb.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <string>
#include <vector>

/// Steps logics by hand, with a clock that moves only when told and random numbers that count up.
namespace troupe::tests {

using namespace std::chrono_literals;

class counting_random final : public random_source {
public:
  explicit counting_random(std::uint64_t first = 0x1000) : last_(first) {}
  std::uint64_t next() override { return last_ += 2; }

private:
  std::uint64_t last_;
};

inline constexpr node_id node_a{0xa, 1}, node_b{0xb, 1}, node_c{0xc, 1};

/// A message about that attempt at a task, such as TaskStarted.
template <class Message>
Message about(const Task& task) {
  Message made;
  made.set_run(task.run());
  made.set_index(task.index());
  made.set_attempt(task.attempt());
  return made;
}

class hand {
public:
  /// A logic that states invariants is held to them after each step.
  template <class Logic>
  hand(Logic& driven, service where, node_id node = node_a, std::uint64_t first_random = 0x1000)
      : driven_(driven), self_(address::of(where, node)), random_(first_random) {
    if constexpr (requires { driven.invariants(); })
      check_ = [&driven] { EXPECT_TRUE(driven.invariants()); };
    drive([this](step_context& context) { driven_.start(context, self_); });
  }

  instant now{1'000'000s};
  outputs out; ///< since the last `clear`

  template <class Message>
  void tell(Message message, address from = {}) {
    auto sent = make_envelope(message_kind::event, self_, std::move(message));
    sent.sender = std::move(from);
    give(std::move(sent));
  }
  template <class Message>
  message_id ask(Message message, address from, trace_context trace = {}) {
    auto sent = make_envelope(message_kind::request, self_, std::move(message));
    sent.sender = std::move(from);
    sent.id = {{77}, ++asked_};
    sent.trace = trace;
    auto id = sent.id;
    give(std::move(sent));
    return id;
  }
  void give(envelope message) {
    // Over the wire and back, as if it came from another node.
    std::string bytes;
    message.body.append_to(bytes);
    message.body = payload::from_wire(message.body.kind(), byte_slice::copy_of(bytes));
    drive([&](step_context& context) { driven_.step(context, std::move(message)); });
  }
  void fire(std::uint32_t timer) {
    drive([&](step_context& context) { driven_.step(context, timer_fired{timer}); });
  }
  void stop() {
    check_ = nullptr; // what it was is over
    drive([this](step_context& context) { driven_.stop(context); });
  }

  void clear() { out = {}; }
  /// Takes out all messages of one type, oldest first.
  template <class Message>
  std::vector<Message> take() {
    std::vector<Message> taken;
    for (auto& sent : take_envelopes<Message>())
      taken.push_back(*sent.body.template as<Message>());
    return taken;
  }
  template <class Message>
  std::vector<envelope> take_envelopes() {
    std::vector<envelope> taken, rest;
    for (auto& sent : out.sends)
      (sent.body.as<Message>() ? taken : rest).push_back(std::move(sent));
    out.sends = std::move(rest);
    return taken;
  }
  /// Takes out the only message of a type; fails the test if there are none or several.
  template <class Message>
  Message only() {
    auto all = take<Message>();
    EXPECT_EQ(all.size(), 1u) << "messages of this type";
    return all.empty() ? Message{} : all.front();
  }
  bool armed(std::uint32_t timer) const {
    return std::any_of(out.timers.begin(), out.timers.end(),
                       [timer](const auto& t) { return t.id == timer && t.after.count() > 0; });
  }

private:
  template <class Action>
  void drive(Action action) {
    step_context context{now, random_, out};
    action(context);
    if (check_)
      check_();
  }

  logic& driven_;
  std::function<void()> check_;
  address self_;
  counting_random random_;
  std::uint64_t asked_ = 0;
};

inline std::shared_ptr<role> make_role(const std::string& called, bool cheap = false) {
  auto made = std::make_shared<role>();
  made->info.set_name(called);
  made->info.set_for_tasks(true);
  made->cheap = cheap;
  return made;
}

inline role_table some_roles() {
  role_table roles;
  for (auto called : {"reader", "editor"})
    roles[called] = make_role(called);
  roles["noop"] = make_role("noop", true);
  auto talker = make_role("librarian");
  talker->info.set_for_tasks(false);
  roles["librarian"] = talker;
  return roles;
}

inline Member make_member(node_id id, MemberState state, std::uint32_t capacity = 2,
                          std::vector<std::string> roles = {"reader", "editor", "noop"}) {
  Member made;
  made.mutable_info()->set_id(to_bytes(id));
  made.mutable_info()->set_name("node-" + std::string(1, static_cast<char>('a' + id.hi - 10)));
  made.mutable_info()->set_address("127.0.0.1:" + std::to_string(4000 + id.hi));
  made.mutable_info()->set_capacity(capacity);
  made.mutable_info()->set_incarnation(1);
  for (const auto& called : roles) {
    auto added = made.mutable_info()->add_roles();
    added->set_name(called);
    added->set_for_tasks(true);
  }
  made.set_state(state);
  return made;
}

inline MembersChanged make_members(std::vector<Member> members) {
  MembersChanged change;
  change.set_epoch(1);
  for (auto& member : members)
    *change.add_members() = std::move(member);
  return change;
}

inline Graph graph_of(std::string_view yaml) {
  auto graph = parse_graph(yaml, "test.yaml");
  EXPECT_TRUE(graph) << (graph ? "" : to_string(graph.error()));
  return graph ? *graph : Graph{};
}

/// A graph of tasks that need nothing.
inline Graph many(int tasks, const std::string& role = "reader") {
  Graph graph;
  graph.set_name("many");
  for (int i = 0; i < tasks; ++i) {
    auto task = graph.add_tasks();
    task->set_id("t" + std::to_string(i));
    task->set_role(role);
  }
  return graph;
}

/// Values as the bytes in which results travel.
inline std::string bytes_of(const Value& value) { return value.SerializeAsString(); }
inline Value value_of(const std::string& bytes) {
  Value parsed;
  EXPECT_TRUE(parse_message(parsed, bytes));
  return parsed;
}

inline void succeed(run_state& run, std::uint32_t task, const Value& output,
                    const task_usage& usage) {
  auto bytes = bytes_of(output);
  auto levels = value_depth(bytes);
  ASSERT_TRUE(levels);
  run.succeeded(task, std::move(bytes), *levels, usage);
}

inline Value text_value(std::string text) {
  Value made;
  made.set_text(std::move(text));
  return made;
}

inline Value list_value(std::vector<Value> items) {
  Value made;
  made.mutable_list();
  for (auto& item : items)
    *made.mutable_list()->add_items() = std::move(item);
  return made;
}

inline Value map_value(std::map<std::string, Value> fields) {
  Value made;
  made.mutable_map();
  for (auto& [key, value] : fields)
    (*made.mutable_map()->mutable_fields())[key] = value;
  return made;
}

inline Value blob_value(std::string called) {
  Value made;
  made.mutable_blob()->set_name(std::move(called));
  return made;
}

} // namespace troupe::tests
