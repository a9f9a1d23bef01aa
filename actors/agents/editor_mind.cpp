#include "actors/agents/editor_mind.hpp"

#include "actors/agents/answer_check.hpp"
#include "actors/agents/values.hpp"
#include "actors/reading/excerpts.hpp"
#include "actors/text/text.hpp"
#include "messages/values.pb.h"

namespace troupe {

std::pair<editor_mind::state, commands> editor_mind::decide(state&& now,
                                                            mind_event happened) const {
  state next = std::move(now);
  commands todo;
  if (auto message = std::get_if<message_received>(&happened)) {
    next = {};
    todo = received(next, std::move(*message));
  } else if (auto reading = std::get_if<reading_answered>(&happened)) {
    todo = edited(next, std::move(*reading));
  } else if (auto model = std::get_if<model_answered>(&happened)) {
    todo = answered(next, std::move(*model));
  } else if (std::holds_alternative<cancelled>(happened)) {
    next = {};
  }
  return {std::move(next), std::move(todo)};
}

commands editor_mind::received(state& now, message_received message) const {
  if (auto why = too_long("the question", text_field(message.input, "question").size()))
    return {reply_failed{std::move(*why)}};
  now.question = fold_space(text_field(message.input, "question"));
  auto readings = find_field(message.input, "readings");
  if (now.question.empty() || !readings || !readings->has_list())
    return {reply_failed{{ec::invalid_argument, "role " + script_->role_name
                                                    + " needs the input {question: text, readings: "
                                                      "the results of readers}"}}};
  ask_reading edit{1, {}};
  edit.call.mutable_edit()->mutable_input()->Swap(&message.input);
  return {std::move(edit)};
}

commands editor_mind::edited(state& now, reading_answered reading) const {
  if (reading.error.code != ec::none)
    return {reply_failed{std::move(reading.error)}};
  auto& edited = *reading.answer.mutable_edited();
  if (edited.done()) {
    reply_with made;
    made.reply.Swap(edited.mutable_report());
    now = {};
    return {std::move(made)};
  }
  now.input.Swap(edited.mutable_input());
  script::values values{{"question", template_value{now.question}},
                        {"passages", template_value{show_passages(edited.excerpts())}}};
  auto call = script_->say("best", values);
  if (!call)
    return {reply_failed{std::move(call).error()}};
  return {ask_model{1, *std::move(call), false, {}}};
}

commands editor_mind::answered(state& now, model_answered model) const {
  if (model.error.code != ec::none)
    return {reply_failed{std::move(model.error)}};
  auto& answer = model.answer;
  ask_reading edit{2, {}};
  auto todo = edit.call.mutable_edit();
  todo->mutable_input()->Swap(&now.input);
  todo->set_answered(true);
  todo->set_model(title_of(answer));
  todo->set_answer(std::move(*answer.mutable_text()));
  return {std::move(edit)};
}

} // namespace troupe
