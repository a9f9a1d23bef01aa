#pragma once

#include "actors/agents/mind.hpp"
#include "actors/agents/script.hpp"

#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace troupe {

/// One prompt, one answer. The prompt's variables are the message (`text`, `question`) or the
/// fields of the task's input, and `passages`: what matters for the question in the documents that
/// came with it.
class chat_mind {
public:
  struct state {
    script::values values;
  };

  explicit chat_mind(std::shared_ptr<const script> says) : script_(std::move(says)) {}

  std::pair<state, commands> decide(state&& now, mind_event happened) const;
  static std::string save(const state&) { return {}; }
  static bool load(state&, std::string_view bytes) { return bytes.empty(); }

private:
  commands received(state& now, message_received message) const;
  commands gathered(state& now, reading_answered outcome_known) const;
  commands ask(state& now) const;
  commands answered(model_answered answer) const;

  std::shared_ptr<const script> script_;
};

} // namespace troupe
