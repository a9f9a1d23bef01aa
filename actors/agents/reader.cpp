#include "actors/agents/reader.hpp"

#include "actors/agents/values.hpp"
#include "actors/llm/text.hpp"
#include "config/limits/work.hpp"
#include "messages/values.pb.h"

#include <algorithm>

namespace troupe {

namespace {

/// The exact words of the document, line by line. Where all lines but the first are indented, as in
/// the items of a list, the common part of that is left out.
std::string verbatim(std::string_view text, const quote_place& place) {
  std::string quote{text.substr(place.begin, place.end - place.begin)};
  std::erase(quote, '\r');
  auto common = std::string::npos;
  for (auto at = quote.find('\n'); at != std::string::npos; at = quote.find('\n', at + 1)) {
    auto begins = quote.find_first_not_of(' ', at + 1);
    if (begins != std::string::npos && quote[begins] != '\n')
      common = std::min(common, begins - at - 1);
  }
  if (common == std::string::npos)
    return quote;
  for (auto at = quote.find('\n'); at != std::string::npos; at = quote.find('\n', at + 1)) {
    auto begins = std::min(quote.find_first_not_of(' ', at + 1), quote.size());
    quote.erase(at + 1, std::min(common, begins - at - 1));
  }
  return quote;
}

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

/// Where `quote` stands: in the passage that the model names, if it is there, else its first place.
std::optional<quote_place> place_of(const reader_mind::state& now, const answer_quote& quote) {
  std::size_t from = 0;
  std::uint32_t line = 1;
  if (auto named = excerpt_with(now.shown, quote.source, quote.text)) {
    if (auto begin = now.text.find(named->text); begin != std::string::npos) {
      from = begin;
      line += static_cast<std::uint32_t>(
          std::count(now.text.begin(), now.text.begin() + static_cast<std::ptrdiff_t>(from), '\n'));
    }
  }
  auto found = locate_quote(std::string_view{now.text}.substr(from), quote.text);
  if (!found)
    return std::nullopt;
  return quote_place{found->first_line + line - 1, found->last_line + line - 1, found->begin + from,
                     found->end + from};
}

command report(const reader_mind::state& now) {
  std::vector<Value> answers;
  std::int64_t unverified = 0;
  if (!says_no_answer(now.answer)) {
    for (const auto& quote : quotes_in(now.answer)) {
      auto place = place_of(now, quote);
      if (!place) {
        ++unverified;
        continue;
      }
      ValueMap found;
      set_field(found, "quote", value_of(verbatim(now.text, *place)));
      set_field(found, "first_line", value_of(std::int64_t{place->first_line}));
      set_field(found, "last_line", value_of(std::int64_t{place->last_line}));
      set_field(found, "source",
                value_of(source_label(now.called, place->first_line, place->last_line)));
      answers.push_back(value_of(std::move(found)));
    }
  }
  ValueMap output;
  set_field(output, "name", value_of(now.called));
  set_field(output, "size_bytes", value_of(static_cast<std::int64_t>(now.size_bytes)));
  set_field(output, "lines", value_of(std::int64_t{count_lines(now.text)}));
  set_field(output, "summary", value_of(fold_space(now.summary)));
  set_field(output, "no_answer", value_of_flag(answers.empty()));
  set_field(output, "unverified", value_of(unverified));
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
  } else if (auto blob = std::get_if<blob_fetched>(&happened)) {
    todo = fetched(next, std::move(*blob));
  } else if (auto outcome_known = std::get_if<model_answered>(&happened)) {
    todo = answered(next, std::move(*outcome_known));
  } else if (std::holds_alternative<cancelled>(happened)) {
    next = {};
  }
  return {std::move(next), std::move(todo)};
}

commands reader_mind::received(state& now, const message_received& message) const {
  auto given = find_field(message.input, "document");
  now.question = fold_space(text_field(message.input, "question"));
  if (!given || !given->has_blob() || now.question.empty())
    return {reply_failed{{ec::invalid_argument, "role " + script_->role_name
                                                    + " needs the input {document: a file, "
                                                      "question: text}"}}};
  now.called = fold_space(given->blob().name());
  now.size_bytes = given->blob().size_bytes();
  if (now.size_bytes > limits::document_bytes_max)
    return {not_read(now, "it is larger than " + show_size(limits::document_bytes_max))};
  return {fetch_blob{request::document, given->blob()}};
}

commands reader_mind::fetched(state& now, blob_fetched blob) const {
  if (blob.error.code != ec::none)
    return {
        reply_failed{{blob.error.code, "cannot read " + now.called + ": " + blob.error.message}}};
  now.size_bytes = blob.bytes.size();
  auto text = readable_text(std::move(blob.bytes));
  if (!text)
    return {not_read(now, "it is no text")};
  now.text = std::move(*text);
  auto excerpts = cut_document(now.called, now.text);
  if (excerpts.empty())
    return {not_read(now, "it is empty")};

  auto central = central_excerpts(excerpts, limits::summary_passages_bytes_max);
  now.shown = best_excerpts(std::move(excerpts), now.question, limits::prompt_passages_bytes_max);
  script::values for_summary{{"name", now.called}, {"passages", show_passages(central)}};
  script::values for_answer{
      {"name", now.called}, {"passages", show_passages(now.shown)}, {"question", now.question}};
  return {ask_model{request::summary, script_->say("summary", for_summary), false, {}},
          ask_model{request::answer, script_->say("answer", for_answer), false, {}}};
}

commands reader_mind::answered(state& now, model_answered outcome_known) const {
  if (outcome_known.error.code != ec::none)
    return {reply_failed{std::move(outcome_known.error)}};
  auto& text = *outcome_known.answer.mutable_text();
  if (outcome_known.request == request::summary) {
    now.summarised = true;
    now.summary = std::move(text);
  } else {
    now.answered = true;
    now.answer = std::move(text);
  }
  if (!now.summarised || !now.answered)
    return {};
  commands todo{report(now)};
  now = {};
  return todo;
}

} // namespace troupe
