#pragma once

#include "actors/agents/mind.hpp"
#include "actors/agents/script.hpp"
#include "messages/agents.pb.h"

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace troupe {

/// One prompt, one answer. The prompt's variables are the message (`text`, `question`) or the
/// fields of the task's input, and `passages`: what matters for the question in the documents that
/// came with it. Fields that the role declares have the types that it says, the others are texts.
///
/// A role may have further prompts, which stand in for variables of the others: `{{draft}}` is what
/// the model says to the prompt `draft`. Each is asked once all that it uses is there, and those
/// that need nothing of each other at once. What the model says to `answer` is the reply.
///
/// A task's input may say how hard it is, `complexity`, from 0 to 1: a route chooses by it.
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
    std::vector<std::string> open;    ///< prompts that are to be asked, in the order of their names
    std::string asked;                ///< the last prompt; only with a history
    std::optional<double> complexity; ///< of the task, as its input says
  };

  explicit chat_mind(std::shared_ptr<const script> says) : script_(std::move(says)) {}

  std::pair<state, commands> decide(state&& now, mind_event happened) const;
  static std::string save(const state& now);
  static bool load(state& now, std::string_view bytes);

private:
  commands received(state& now, message_received message) const;
  commands gathered(state& now, reading_answered reading) const;
  commands ask(state& now) const;
  std::optional<failure> take_input(state& now, const ValueMap& input) const;
  std::optional<failure> what_is_missing(const state& now, bool is_task) const;
  result<ModelRequest> say(std::string_view prompt_name, const state& now) const;
  bool can_ask(const state& now, const typed_template& prompt) const;
  result<ModelRequest> ask_for_answer(state& now) const;
  commands answered(state& now, model_answered model) const;
  void remember(state& now, const std::string& answer) const;

  std::shared_ptr<const script> script_;
};

} // namespace troupe
