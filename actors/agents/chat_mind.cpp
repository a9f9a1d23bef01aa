#include "actors/agents/chat_mind.hpp"

#include "actors/agents/values.hpp"
#include "actors/reading/excerpts.hpp"
#include "actors/text/text.hpp"

namespace troupe {

std::pair<chat_mind::state, commands> chat_mind::decide(state&& now, mind_event happened) const {
  state next = std::move(now);
  commands todo;
  if (auto message = std::get_if<message_received>(&happened)) {
    next = {};
    todo = received(next, std::move(*message));
  } else if (auto reading = std::get_if<reading_answered>(&happened)) {
    todo = gathered(next, std::move(*reading));
  } else if (auto answer = std::get_if<model_answered>(&happened)) {
    todo = answered(std::move(*answer));
  } else if (std::holds_alternative<cancelled>(happened)) {
    next = {};
  }
  return {std::move(next), std::move(todo)};
}

commands chat_mind::received(state& now, message_received message) const {
  const auto& answer = script_->prompts.at("answer");
  auto bytes = message.text.size();
  for (const auto& [field, value] : message.input.fields())
    bytes += value.text().size();
  if (auto why = too_long(message.is_task ? "the text of the task's input" : "the message", bytes))
    return {reply_failed{std::move(*why)}};
  for (const auto& [field, value] : message.input.fields())
    now.values[field] = as_text(value);
  auto question = message.is_task ? now.values["question"] : message.text;
  if (message.is_task && question.empty())
    question = now.values["text"];
  // A prompt's `Question:` is one line, however many lines a person typed.
  now.values["question"] = fold_space(question);
  now.values["text"] = std::move(question);

  auto documents = blobs_in(message.input);
  for (auto& document : message.documents)
    documents.push_back(std::move(document));
  if (!documents.empty() && !answer.uses("passages"))
    return {reply_failed{{ec::invalid_argument, "role " + script_->role_name
                                                    + " takes no documents: its prompt has no "
                                                      "{{passages}}"}}};
  for (const auto& variable : answer.variables())
    if (variable.called != "passages"
        && (!now.values.contains(variable.called) || now.values[variable.called].empty()))
      return {reply_failed{{ec::invalid_argument,
                            "role " + script_->role_name + " needs \"" + variable.called
                                + (message.is_task ? "\" in the task's input, as text or number"
                                                   : "\": the message is empty")}}};
  if (documents.empty())
    return ask(now);
  ask_reading read{1, {}};
  auto gather = read.call.mutable_gather();
  gather->set_question(now.values["question"]);
  for (auto& document : documents)
    *gather->add_documents() = std::move(document);
  return {std::move(read)};
}

commands chat_mind::gathered(state& now, reading_answered outcome_known) const {
  if (outcome_known.error.code != ec::none)
    return {reply_failed{std::move(outcome_known.error)}};
  // An answer from only a part of the input would not answer the question.
  for (const auto& unread : outcome_known.answer.gathered().unread()) {
    auto why = from_proto(unread.why());
    return {reply_failed{{why.code, "cannot read " + unread.name() + ": " + why.message}}};
  }
  now.values["passages"] = show_passages(outcome_known.answer.gathered().excerpts());
  return ask(now);
}

commands chat_mind::ask(state& now) const {
  auto call = script_->say("answer", now.values);
  now = {};
  return {ask_model{1, std::move(call), true, std::string{no_answer_reply}}};
}

commands chat_mind::answered(model_answered answer) const {
  if (answer.error.code != ec::none)
    return {reply_failed{std::move(answer.error)}};
  auto text = std::move(*answer.answer.mutable_text());
  if (says_no_answer(text))
    text = "I found no answer to that in what I was given.";
  reply_with made;
  *made.reply.mutable_output() = value_of(text);
  made.reply.set_text(std::move(text));
  return {std::move(made)};
}

} // namespace troupe
