#pragma once

#include "actors/agents/mind.hpp"
#include "actors/agents/role.hpp"
#include "tests/sim/chain_mind.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace troupe::sim {

/// Remembers every text it is told, in order, the same one as often as it is told: what was lost
/// and what was done twice can be read from its state. Durable.
class keeper_mind {
public:
  struct state {
    std::vector<std::string> told;
  };
  std::pair<state, commands> decide(state&& now, mind_event happened) const;
  static std::string save(const state& now);
  static bool load(state& into, std::string_view bytes);
};

/// A keeper that asks its provider twice before it remembers: what it asks depends on its state.
/// Its reply says which of all texts it was, and what the provider said last. Durable.
class adviser_mind {
public:
  struct state {
    keeper_mind::state known;
    std::string asked; ///< the text that is worked on
    std::uint32_t calls = 0;
  };
  explicit adviser_mind(std::string model) : model_(std::move(model)) {}
  std::pair<state, commands> decide(state&& now, mind_event happened) const;
  static std::string save(const state& now) { return keeper_mind::save(now.known); }
  static bool load(state& into, std::string_view bytes) {
    return keeper_mind::load(into.known, bytes);
  }

private:
  ask_model next_call(state& now) const;
  std::string model_;
};

/// Works on a task for as long as the model takes, and answers with a number that no other
/// execution has: a result shows which execution it is from.
class teller_mind {
public:
  struct state {};
  explicit teller_mind(std::shared_ptr<std::int64_t> executions)
      : executions_(std::move(executions)) {}
  std::pair<state, commands> decide(state&& now, mind_event happened) const;
  static std::string save(const state&) { return {}; }
  static bool load(state&, std::string_view bytes) { return bytes.empty(); }

private:
  std::shared_ptr<std::int64_t> executions_;
};

/// Passes the answer of its model on as it comes.
class talker_mind {
public:
  struct state {};
  explicit talker_mind(std::string model) : model_(std::move(model)) {}
  std::pair<state, commands> decide(state&& now, mind_event happened) const;
  static std::string save(const state&) { return {}; }
  static bool load(state&, std::string_view) { return true; }

private:
  std::string model_;
};

/// What quick minds have answered, with a number that no other execution has: what each was for.
struct quick_answers {
  struct about {
    std::string text;     ///< of a message
    std::int64_t run = 0; ///< of a task: its inputs
    std::int64_t item = 0;
  };
  std::int64_t last = 0;
  std::map<std::int64_t, about> made;
};

/// Answers at once, a message or a task, with its number. Some of its executions throw, with half
/// an answer.
class quick_mind {
public:
  explicit quick_mind(std::shared_ptr<quick_answers> answers) : answers_(std::move(answers)) {}
  result<void> answer(const message_received& asked, AgentReply& reply) const;

private:
  std::shared_ptr<quick_answers> answers_;
};

/// The built-in roles, and `keeper` and `adviser` (talk, durable; the second by the model far/m),
/// `teller` (tasks), `quick` (talk and tasks, cheap; sometimes none can be made), `talker` (talk,
/// by far/m) and `chain` (tasks, by the same).
role_table simulated_roles(
    std::shared_ptr<quick_answers> answers = std::make_shared<quick_answers>(),
    std::shared_ptr<const chain_listener> listener = std::make_shared<chain_listener>());

} // namespace troupe::sim
