#pragma once

#include "actors/agents/mind.hpp"
#include "actors/agents/script.hpp"
#include "messages/agents.pb.h"

#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace troupe {

/// One prompt, one answer. The prompt's variables are the message (`text`, `question`) or the
/// fields of the task's input, and `passages`: what matters for the question in the documents that
/// came with it.
///
/// A role with a `history` keeps the conversation: the model is sent the last turns before the new
/// prompt. The oldest turns go first, when there are too many or their text is too long. A message
/// that failed is no turn. Kept is what was said: what a model thought, with its signature, counts
/// for that model alone, and providers want it only within a turn that calls tools (decision 0028).
class chat_mind {
public:
  struct state {
    ChatState told;
    script::values values;
    std::string asked; ///< the prompt whose answer is awaited; only with a history
  };

  explicit chat_mind(std::shared_ptr<const script> says) : script_(std::move(says)) {}

  std::pair<state, commands> decide(state&& now, mind_event happened) const;
  static std::string save(const state& now);
  static bool load(state& now, std::string_view bytes);

private:
  commands received(state& now, message_received message) const;
  commands gathered(state& now, reading_answered reading) const;
  commands ask(state& now) const;
  commands answered(state& now, model_answered model) const;
  void remember(state& now, const std::string& answer) const;

  std::shared_ptr<const script> script_;
};

} // namespace troupe
