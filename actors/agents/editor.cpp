#include "actors/agents/editor.hpp"

#include "actors/agents/values.hpp"
#include "actors/llm/text.hpp"
#include "config/limits/work.hpp"
#include "messages/values.pb.h"

#include <algorithm>

namespace troupe {

namespace {

std::uint32_t line_field(const ValueMap& in, std::string_view field) {
  return static_cast<std::uint32_t>(std::max<std::int64_t>(0, integer_field(in, field)));
}

void take_reading(digest_report& report, const ValueMap& read) {
  const auto& called = text_field(read, "name");
  if (const auto& why = text_field(read, "not_read"); !why.empty()) {
    report.not_read.push_back({called, why});
    return;
  }
  digest_report::reading reading;
  reading.document = called;
  reading.size_bytes = static_cast<std::uint64_t>(integer_field(read, "size_bytes"));
  reading.lines = line_field(read, "lines");
  reading.summary = text_field(read, "summary");
  for (const auto& item : list_field(read, "answers").items()) {
    const auto& answer = item.map();
    reading.answers.push_back({called, text_field(answer, "quote"),
                               line_field(answer, "first_line"), line_field(answer, "last_line")});
  }
  report.unverified += line_field(read, "unverified");
  report.readings.push_back(std::move(reading));
}

command send_report(const digest_report& report) {
  auto text = write_report(report);
  reply_with made;
  *made.reply.mutable_output() = value_of(text);
  made.reply.set_text(std::move(text));
  return made;
}

/// The part of `from` that the model quoted, with the lines on which it stands in the document.
digest_report::quotation part_of(const digest_report::quotation& from, std::string_view quote) {
  auto place = locate_quote(from.text, quote);
  if (!place)
    return from;
  auto part = from;
  part.text = from.text.substr(place->begin, place->end - place->begin);
  part.first_line = from.first_line + place->first_line - 1;
  part.last_line = from.first_line + place->last_line - 1;
  return part;
}

} // namespace

std::pair<editor_mind::state, commands> editor_mind::decide(state&& now,
                                                            mind_event happened) const {
  state next = std::move(now);
  commands todo;
  if (auto message = std::get_if<message_received>(&happened)) {
    next = {};
    todo = received(next, *message);
  } else if (auto outcome_known = std::get_if<model_answered>(&happened)) {
    todo = answered(next, std::move(*outcome_known));
  } else if (std::holds_alternative<cancelled>(happened)) {
    next = {};
  }
  return {std::move(next), std::move(todo)};
}

commands editor_mind::received(state& now, const message_received& message) const {
  now.report.question = fold_space(text_field(message.input, "question"));
  auto readings = find_field(message.input, "readings");
  if (now.report.question.empty() || !readings || !readings->has_list())
    return {reply_failed{{ec::invalid_argument, "role " + script_->role_name
                                                    + " needs the input {question: text, readings: "
                                                      "the results of readers}"}}};
  for (const auto& one : readings->list().items())
    take_reading(now.report, one.map());
  for (const auto& one : list_field(message.input, "skipped").items())
    now.report.not_read.push_back({text_field(one.map(), "name"), text_field(one.map(), "why")});

  std::vector<excerpt> quotes;
  for (const auto& reading : now.report.readings)
    for (const auto& quote : reading.answers) {
      quotes.push_back(
          {source_label(quote.document, quote.first_line, quote.last_line), quote.text});
      now.offered.push_back(quote);
    }
  if (quotes.empty())
    return {send_report(now.report)};
  now.shown = quotes;
  auto best =
      best_excerpts(std::move(quotes), now.report.question, limits::prompt_passages_bytes_max);
  script::values values{{"question", now.report.question}, {"passages", show_passages(best)}};
  return {ask_model{1, script_->say("best", values), false, {}}};
}

commands editor_mind::answered(state& now, model_answered outcome_known) const {
  if (outcome_known.error.code != ec::none)
    return {reply_failed{std::move(outcome_known.error)}};
  const auto& answer = outcome_known.answer;
  now.report.model = answer.provider().empty() || answer.provider() == answer.model()
                         ? answer.model()
                         : answer.provider() + '/' + answer.model();
  for (const auto& quote : quotes_in(answer.text())) {
    auto from = excerpt_with(now.shown, quote.source, quote.text);
    if (!from)
      ++now.report.unverified;
    else
      now.report.best.push_back(
          part_of(now.offered[static_cast<std::size_t>(from - now.shown.data())], quote.text));
  }
  commands todo{send_report(now.report)};
  now = {};
  return todo;
}

} // namespace troupe
