#include "actors/agents/chat.hpp"

#include "actors/agents/values.hpp"
#include "actors/llm/text.hpp"

namespace troupe {

std::pair<chat_mind::state, commands> chat_mind::decide(state&& now, mind_event happened) const {
  state next = std::move(now);
  commands todo;
  if (auto message = std::get_if<message_received>(&happened)) {
    next = {};
    todo = received(next, std::move(*message));
  } else if (auto blob = std::get_if<blob_fetched>(&happened)) {
    todo = fetched(next, std::move(*blob));
  } else if (auto answer = std::get_if<model_answered>(&happened)) {
    todo = answered(std::move(*answer));
  } else if (std::holds_alternative<cancelled>(happened)) {
    next = {};
  }
  return {std::move(next), std::move(todo)};
}

commands chat_mind::received(state& now, message_received message) const {
  const auto& answer = script_->prompts.at("answer");
  for (const auto& [field, value] : message.input.fields())
    now.values[field] = as_text(value);
  auto question = message.is_task ? now.values["question"] : message.text;
  if (message.is_task && question.empty())
    question = now.values["text"];
  // A prompt's `Question:` is one line, however many a person typed.
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
  now.documents = gathering{now.values["question"], std::move(documents)};
  auto todo = now.documents.begin();
  return now.documents.done() ? ask(now) : todo;
}

commands chat_mind::fetched(state& now, blob_fetched blob) const {
  auto todo = now.documents.take(std::move(blob));
  if (!now.documents.done())
    return todo;
  // An answer from a part of what was given would not be the answer to what was asked.
  for (const auto& unread : now.documents.unread())
    return {reply_failed{
        {unread.why.code, "cannot read " + unread.called + ": " + unread.why.message}}};
  return ask(now);
}

commands chat_mind::ask(state& now) const {
  now.values["passages"] = show_passages(now.documents.best());
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
