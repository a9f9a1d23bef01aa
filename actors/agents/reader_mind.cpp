#include "actors/agents/reader_mind.hpp"

#include "actors/agents/values.hpp"
#include "actors/reading/excerpts.hpp"
#include "actors/text/text.hpp"
#include "config/limits/work.hpp"
#include "messages/values.pb.h"

namespace troupe {

namespace {

command not_read(const reader_mind::state& now, const std::string& why) {
  ValueMap output;
  set_field(output, "name", value_of(now.called));
  set_field(output, "size_bytes", value_of(static_cast<std::int64_t>(now.size_bytes)));
  set_field(output, "not_read", value_of(why));
  reply_with made;
  made.reply.set_text(now.called + " was not read: " + why);
  *made.reply.mutable_output() = value_of(std::move(output));
  return made;
}

command report(const reader_mind::state& now) {
  std::vector<Value> answers;
  for (const auto& quote : now.answers.quotes()) {
    ValueMap found;
    set_field(found, "quote", value_of(quote.text()));
    set_field(found, "first_line", value_of(std::int64_t{quote.first_line()}));
    set_field(found, "last_line", value_of(std::int64_t{quote.last_line()}));
    set_field(found, "source", value_of(quote.source()));
    answers.push_back(value_of(std::move(found)));
  }
  ValueMap output;
  set_field(output, "name", value_of(now.called));
  set_field(output, "size_bytes", value_of(static_cast<std::int64_t>(now.size_bytes)));
  set_field(output, "lines", value_of(std::int64_t{now.lines}));
  set_field(output, "summary", value_of(fold_space(now.summary)));
  set_field(output, "no_answer", value_of_flag(answers.empty()));
  set_field(output, "unverified", value_of(std::int64_t{now.answers.unverified()}));
  reply_with made;
  made.reply.set_text(fold_space(now.summary));
  set_field(output, "answers", value_of(std::move(answers)));
  *made.reply.mutable_output() = value_of(std::move(output));
  return made;
}

} // namespace

std::pair<reader_mind::state, commands> reader_mind::decide(state&& now,
                                                            mind_event happened) const {
  state next = std::move(now);
  commands todo;
  if (auto message = std::get_if<message_received>(&happened)) {
    next = {};
    todo = received(next, *message);
  } else if (auto reading = std::get_if<reading_answered>(&happened)) {
    todo = was_read(next, std::move(*reading));
  } else if (auto model = std::get_if<model_answered>(&happened)) {
    todo = answered(next, std::move(*model));
  } else if (std::holds_alternative<cancelled>(happened)) {
    next = {};
  }
  return {std::move(next), std::move(todo)};
}

commands reader_mind::received(state& now, const message_received& message) const {
  auto given = find_field(message.input, "document");
  if (auto why = too_long("the question", text_field(message.input, "question").size()))
    return {reply_failed{std::move(*why)}};
  now.question = fold_space(text_field(message.input, "question"));
  if (!given || !given->has_blob() || now.question.empty())
    return {reply_failed{{ec::invalid_argument, "role " + script_->role_name
                                                    + " needs the input {document: a file, "
                                                      "question: text}"}}};
  now.called = fold_space(given->blob().name());
  now.size_bytes = given->blob().size_bytes();
  if (now.size_bytes > limits::document_bytes_max)
    return {not_read(now, "it is larger than " + show_size(limits::document_bytes_max))};
  now.document = given->blob();
  ask_reading read{asking::document, {}};
  *read.call.mutable_read()->mutable_document() = now.document;
  read.call.mutable_read()->set_question(now.question);
  return {std::move(read)};
}

commands reader_mind::was_read(state& now, reading_answered reading) const {
  if (reading.error.code != ec::none)
    return {reply_failed{
        {reading.error.code, "cannot read " + now.called + ": " + reading.error.message}}};
  if (reading.request == asking::quotes) {
    now.answered = true;
    now.answers = std::move(*reading.answer.mutable_quotes());
    return finished(now);
  }
  const auto& read = reading.answer.read();
  now.size_bytes = read.size_bytes();
  now.lines = read.lines();
  if (!read.not_read().empty())
    return {not_read(now, read.not_read())};
  script::values for_summary{{"name", template_value{now.called}},
                             {"passages", template_value{show_passages(read.central())}}};
  script::values for_answer{{"name", template_value{now.called}},
                            {"passages", template_value{show_passages(read.answering())}},
                            {"question", template_value{now.question}}};
  auto short_of_it = script_->say("summary", for_summary);
  auto quotes_from_it = script_->say("answer", for_answer);
  if (!short_of_it || !quotes_from_it)
    return {
        reply_failed{(short_of_it ? std::move(quotes_from_it) : std::move(short_of_it)).error()}};
  return {ask_model{asking::summary, *std::move(short_of_it), false, {}},
          ask_model{asking::answer, *std::move(quotes_from_it), false, {}}};
}

commands reader_mind::answered(state& now, model_answered model) const {
  if (model.error.code != ec::none)
    return {reply_failed{std::move(model.error)}};
  auto& text = *model.answer.mutable_text();
  if (model.request == asking::summary) {
    now.summarised = true;
    now.summary = std::move(text);
    return finished(now);
  }
  if (says_no_answer(text)) {
    now.answered = true;
    return finished(now);
  }
  ask_reading find{asking::quotes, {}};
  *find.call.mutable_quotes()->mutable_document() = now.document;
  find.call.mutable_quotes()->set_answer(std::move(text));
  return {std::move(find)};
}

commands reader_mind::finished(state& now) {
  if (!now.summarised || !now.answered)
    return {};
  commands todo{report(now)};
  now = {};
  return todo;
}

} // namespace troupe
