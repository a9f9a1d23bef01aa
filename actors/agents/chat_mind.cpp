#include "actors/agents/chat_mind.hpp"

#include "actors/agents/values.hpp"
#include "actors/reading/excerpts.hpp"
#include "actors/text/text.hpp"
#include "actors/text/tokens.hpp"
#include "messages/payload.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace troupe {

namespace {

/// What belongs to one message is gone; the conversation stays.
void forget_message(chat_mind::state& now) {
  now.values.clear();
  now.open.clear();
  now.asked.clear();
  now.complexity.reset();
}

/// A field that is no such number is an input like others.
std::optional<double> complexity_in(const ValueMap& input) {
  auto found = input.fields().find("complexity");
  if (found == input.fields().end())
    return std::nullopt;
  const auto& value = found->second;
  auto number =
      value.kind_case() == Value::kInteger ? static_cast<double>(value.integer()) : value.number();
  bool is_number = value.kind_case() == Value::kInteger || value.kind_case() == Value::kNumber;
  return is_number && number >= 0 && number <= 1 ? std::optional{number} : std::nullopt;
}

/// Between the `system` prompt, if there is one, and the new prompt.
void add_turns(ModelRequest& call, const ChatState& told) {
  auto& all = *call.mutable_messages();
  auto prompt = std::move(*all.rbegin());
  all.RemoveLast();
  if (!told.turns().empty())
    prompt.clear_fixed_bytes(); // behind turns that no other conversation has
  for (const auto& turn : told.turns()) {
    auto* said = all.Add();
    said->set_role("user");
    said->set_content(turn.said());
    auto* answered = all.Add();
    answered->set_role("assistant");
    answered->set_content(turn.answered());
  }
  *all.Add() = std::move(prompt);
}

/// Empty if there is none, or if it is of another type.
std::string text_of(const chat_mind::state& now, std::string_view value_name) {
  auto found = now.values.find(value_name);
  auto text =
      found == now.values.end() ? nullptr : std::get_if<std::string>(&found->second.content);
  return text ? *text : std::string{};
}

/// The reply. The calls for the other prompts follow it by number.
constexpr std::uint32_t answer_request = 1;
constexpr std::string_view answer_prompt = "answer";

} // namespace

std::string chat_mind::save(const state& now) { return now.told.SerializeAsString(); }

bool chat_mind::load(state& now, std::string_view bytes) { return parse_message(now.told, bytes); }

std::pair<chat_mind::state, commands> chat_mind::decide(state&& now, mind_event happened) const {
  state next = std::move(now);
  commands todo;
  if (auto message = std::get_if<message_received>(&happened)) {
    forget_message(next);
    todo = received(next, std::move(*message));
  } else if (auto reading = std::get_if<reading_answered>(&happened)) {
    todo = gathered(next, std::move(*reading));
  } else if (auto model = std::get_if<model_answered>(&happened)) {
    todo = answered(next, std::move(*model));
  } else if (std::holds_alternative<cancelled>(happened)) {
    forget_message(next);
  }
  return {std::move(next), std::move(todo)};
}

commands chat_mind::received(state& now, message_received message) const {
  auto bytes = message.text.size();
  for (const auto& [field, value] : message.input.fields())
    bytes += script_->variables.contains(field) ? value.ByteSizeLong() : value.text().size();
  if (auto why = too_long(message.is_task ? "the text of the task's input" : "the message", bytes))
    return {reply_failed{std::move(*why)}};
  if (auto why = take_input(now, message.input))
    return {reply_failed{std::move(*why)}};
  now.complexity = complexity_in(message.input);
  auto question = message.is_task ? text_of(now, "question") : message.text;
  if (message.is_task && question.empty())
    question = text_of(now, "text");
  // A prompt's `Question:` is one line, however many lines a person typed.
  now.values["question"].content = fold_space(question);
  now.values["text"].content = std::move(question);

  auto documents = blobs_in(message.input);
  for (auto& document : message.documents)
    documents.push_back(std::move(document));
  bool reads = std::any_of(script_->prompts.begin(), script_->prompts.end(),
                           [](const auto& one) { return one.second.uses("passages"); });
  if (!documents.empty() && !reads)
    return {reply_failed{{ec::invalid_argument, "role " + script_->role_name
                                                    + " takes no documents: its prompts have no "
                                                      "{{passages}}"}}};
  for (const auto& [called, prompt] : script_->prompts)
    if (script_->asks(called)) {
      now.open.push_back(called);
      now.values.erase(called); // a field of the input is not what the model says
    }
  if (auto why = what_is_missing(now, message.is_task))
    return {reply_failed{std::move(*why)}};
  if (documents.empty())
    return ask(now);
  ask_reading read{1, {}};
  auto gather = read.call.mutable_gather();
  gather->set_question(text_of(now, "question"));
  for (auto& document : documents)
    *gather->add_documents() = std::move(document);
  return {std::move(read)};
}

/// Fields that the role declares have its types, all others are texts.
std::optional<failure> chat_mind::take_input(state& now, const ValueMap& input) const {
  for (const auto& [field, value] : input.fields())
    if (!script_->variables.contains(field))
      now.values[field].content = as_text(value);
  for (const auto& [called, variable] : script_->variables) {
    auto given = find_field(input, called);
    if (!given || given->kind_case() == Value::KIND_NOT_SET)
      continue;
    auto value = value_of_input(variable, *given);
    if (!value)
      return failure{ec::invalid_argument,
                     "role " + script_->role_name + ", input \"" + called + "\": " + value.error()};
    now.values[called] = *std::move(value);
  }
  return std::nullopt;
}

std::optional<failure> chat_mind::what_is_missing(const state& now, bool is_task) const {
  for (const auto& [prompt_name, prompt] : script_->prompts)
    for (const auto& [called, variable] : prompt.variables()) {
      bool is_declared = script_->variables.contains(called);
      if (variable.standard || script_->asks(called)
          || (is_declared ? now.values.contains(called) : !text_of(now, called).empty()))
        continue;
      auto type = is_declared ? std::string{to_string(variable.type)} : "text or number";
      return failure{ec::invalid_argument,
                     "role " + script_->role_name + " needs \"" + called
                         + (is_task ? "\" in the task's input, as " + type
                                    : std::string{"\": the message is empty"})};
    }
  return std::nullopt;
}

commands chat_mind::gathered(state& now, reading_answered reading) const {
  if (reading.error.code != ec::none)
    return {reply_failed{std::move(reading.error)}};
  // An answer from only a part of the input would not answer the question.
  for (const auto& unread : reading.answer.gathered().unread()) {
    auto why = from_proto(unread.why());
    return {reply_failed{{why.code, "cannot read " + unread.name() + ": " + why.message}}};
  }
  now.values["passages"].content = show_passages(reading.answer.gathered().excerpts());
  return ask(now);
}

/// All that can be asked now.
commands chat_mind::ask(state& now) const {
  commands todo;
  std::vector<std::string> left;
  for (auto& called : std::exchange(now.open, {})) {
    auto prompt = script_->prompts.find(called);
    if (!can_ask(now, prompt->second)) {
      left.push_back(std::move(called));
      continue;
    }
    bool is_last = called == answer_prompt; // the others have been asked: each is used by another
    auto number = std::distance(script_->prompts.begin(), prompt);
    auto asked = is_last ? ask_for_answer(now) : say(called, now);
    if (!asked)
      return {reply_failed{std::move(asked).error()}};
    if (is_last) {
      todo.push_back(
          ask_model{answer_request, *std::move(asked), true, std::string{no_answer_reply}});
      break;
    }
    todo.push_back(ask_model{
        answer_request + 1 + static_cast<std::uint32_t>(number), *std::move(asked), false, {}});
  }
  now.open = std::move(left);
  return todo;
}

result<ModelRequest> chat_mind::say(std::string_view prompt_name, const state& now) const {
  auto call = script_->say(prompt_name, now.values);
  if (call && now.complexity)
    call->set_complexity(*now.complexity);
  return call;
}

bool chat_mind::can_ask(const state& now, const typed_template& prompt) const {
  return std::all_of(prompt.variables().begin(), prompt.variables().end(), [&](const auto& one) {
    return !script_->asks(one.first) || now.values.contains(one.first);
  });
}

result<ModelRequest> chat_mind::ask_for_answer(state& now) const {
  auto call = say(answer_prompt, now);
  now.values.clear();
  if (call && script_->history.turns > 0) {
    now.asked = call->messages().rbegin()->content();
    add_turns(*call, now.told);
  }
  return call;
}

/// The oldest turns go when there are too many, or when all of them have too many tokens.
void chat_mind::remember(state& now, const std::string& answer) const {
  const auto& most = script_->history;
  if (most.turns == 0)
    return;
  auto& turns = *now.told.mutable_turns();
  auto& latest = *turns.Add();
  latest.set_said(std::exchange(now.asked, {}));
  latest.set_answered(answer);
  std::uint64_t tokens = 0;
  int kept = 0;
  for (auto one = turns.rbegin(); one != turns.rend(); ++one, ++kept) {
    tokens += count_tokens(one->said()) + count_tokens(one->answered());
    if (tokens > most.tokens || static_cast<std::uint32_t>(kept) >= most.turns)
      break;
  }
  turns.DeleteSubrange(0, turns.size() - kept);
}

commands chat_mind::answered(state& now, model_answered model) const {
  if (model.error.code != ec::none)
    return {reply_failed{std::move(model.error)}};
  auto text = std::move(*model.answer.mutable_text());
  if (model.request != answer_request) {
    auto prompt = std::next(script_->prompts.begin(),
                            static_cast<std::ptrdiff_t>(model.request - answer_request - 1));
    now.values[prompt->first].content = std::move(text);
    return ask(now);
  }
  remember(now, text);
  if (says_no_answer(text))
    text = "I found no answer to that in what I was given.";
  reply_with made;
  *made.reply.mutable_output() = value_of(text);
  made.reply.set_text(std::move(text));
  return {std::move(made)};
}

} // namespace troupe
