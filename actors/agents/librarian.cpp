#include "actors/agents/librarian.hpp"

#include "actors/llm/text.hpp"
#include "messages/agents.pb.h"
#include "messages/values.pb.h"

#include <algorithm>
#include <optional>

namespace troupe {

namespace {

constexpr std::size_t names_shown_max = 10;

/// What follows `prefix` in `text`, whatever the case of its letters; nothing if it does not begin
/// so.
std::optional<std::string_view> after(std::string_view prefix, std::string_view text) {
  auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  auto same = [&](char a, char b) { return lower(a) == lower(b); };
  if (text.size() < prefix.size() || !std::equal(prefix.begin(), prefix.end(), text.begin(), same))
    return std::nullopt;
  return text.substr(prefix.size());
}

command say(std::string text) {
  reply_with made;
  made.reply.set_text(std::move(text));
  return made;
}

std::string count_of(std::size_t count, std::string_view one) {
  return std::to_string(count) + ' ' + std::string{one} + (count == 1 ? "" : "s");
}

/// "a, b, c and 4 more"
std::string listed(const std::vector<std::string>& names) {
  std::string text;
  for (std::size_t i = 0; i < names.size() && i < names_shown_max; ++i)
    text += (i == 0 ? "" : ", ") + names[i];
  if (names.size() > names_shown_max)
    text += " and " + std::to_string(names.size() - names_shown_max) + " more";
  return text;
}

std::vector<std::string> names_of(const LibrarianState& told) {
  std::vector<std::string> names;
  for (const auto& source : told.sources())
    names.push_back(source.name());
  return names;
}

bool knows(const LibrarianState& told, const BlobRef& blob) {
  return std::any_of(told.sources().begin(), told.sources().end(), [&](const auto& source) {
    return source.has_blob() && source.blob().sha256() == blob.sha256();
  });
}

command remember_text(LibrarianState& told, std::string_view said) {
  auto text = fold_space(said);
  if (text.empty())
    return reply_failed{{ec::invalid_argument, "what shall I remember? Write it after the colon, "
                                               "such as \"Remember: the key is under the mat\""}};
  for (const auto& source : told.sources())
    if (!source.has_blob() && fold_space(source.text()) == text)
      return say("I was told that before (" + source.name() + ").");
  auto numbered = 1
                  + std::count_if(told.sources().begin(), told.sources().end(),
                                  [](const auto& source) { return !source.has_blob(); });
  auto added = told.add_sources();
  added->set_name("what I was told (" + std::to_string(numbered) + ")");
  added->set_text(std::string{said.substr(said.find_first_not_of(" \t\r\n"))});
  return say("I shall remember that.");
}

command remember_documents(LibrarianState& told, std::vector<BlobRef> documents) {
  if (documents.empty())
    return reply_failed{
        {ec::invalid_argument,
         "no documents came with this message, so nothing was stored: I cannot see files. The "
         "client reads them: troupe send librarian/KEY \"Remember the folder PATH\""}};
  std::vector<std::string> added, known;
  std::uint64_t bytes = 0;
  for (auto& document : documents) {
    if (knows(told, document)) {
      known.push_back(document.name());
      continue;
    }
    added.push_back(document.name());
    bytes += document.size_bytes();
    auto source = told.add_sources();
    source->set_name(document.name());
    *source->mutable_blob() = std::move(document);
  }
  std::string text;
  if (!added.empty())
    text = "I shall remember " + count_of(added.size(), "document") + " (" + show_size(bytes)
           + "): " + listed(added) + '.';
  if (!known.empty())
    text += (text.empty() ? "" : " ") + std::string{"I had been told the same before: "}
            + listed(known) + '.';
  return say(std::move(text));
}

std::string not_told(const LibrarianState& told) {
  std::string text = "I was not told. ";
  if (told.sources().empty())
    return text
           + "So far I know nothing. Tell me with \"Remember the folder PATH\", \"Remember the "
             "file PATH\" or \"Remember: TEXT\".";
  return text + "I looked in " + listed(names_of(told))
         + ". Tell me more with \"Remember the file PATH\" or \"Remember: TEXT\", or ask in the "
           "words that the text uses.";
}

} // namespace

std::string librarian_mind::save(const state& now) { return now.told.SerializeAsString(); }

bool librarian_mind::load(state& now, std::string_view bytes) {
  return now.told.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
}

std::pair<librarian_mind::state, commands> librarian_mind::decide(state&& now,
                                                                  mind_event happened) const {
  state next = std::move(now);
  commands todo;
  if (auto message = std::get_if<message_received>(&happened))
    todo = received(next, std::move(*message));
  else if (auto blob = std::get_if<blob_fetched>(&happened))
    todo = fetched(next, std::move(*blob));
  else if (auto outcome_known = std::get_if<model_answered>(&happened))
    todo = answered(next, std::move(*outcome_known));
  return {std::move(next), std::move(todo)};
}

commands librarian_mind::received(state& now, message_received message) const {
  state fresh;
  fresh.told = std::move(now.told);
  now = std::move(fresh);
  std::string_view text = message.text;
  text.remove_prefix(std::min(text.find_first_not_of(" \t\r\n"), text.size()));
  if (auto said = after("Remember:", text))
    return {remember_text(now.told, *said)};
  for (const std::string what : {"Remember the folder", "Remember the file"})
    if (auto path = after(what, text); path && path->find_first_not_of(" \t\r\n") == path->npos)
      return {reply_failed{{ec::invalid_argument, "write which one: " + what + " PATH"}}};
  if (after("Remember the folder ", text) || after("Remember the file ", text))
    return {remember_documents(now.told, std::move(message.documents))};
  return asked(now, std::move(message));
}

commands librarian_mind::asked(state& now, message_received message) const {
  now.question = fold_space(message.text);
  if (now.question.empty())
    return {reply_failed{{ec::invalid_argument,
                          "the message is empty: ask something, or tell me with \"Remember: "
                          "TEXT\""}}};
  std::vector<BlobRef> documents;
  for (const auto& source : now.told.sources())
    if (source.has_blob())
      documents.push_back(source.blob());
  // A question may bring its own documents; they are looked into and not kept.
  for (auto& document : message.documents)
    documents.push_back(std::move(document));
  now.sources = gathering{now.question, std::move(documents)};
  for (const auto& source : now.told.sources())
    if (!source.has_blob())
      for (auto& part : cut_document(source.name(), source.text()))
        now.sources.add({source.name(), std::move(part.text)});
  auto todo = now.sources.begin();
  return now.sources.done() ? ask(now) : todo;
}

commands librarian_mind::fetched(state& now, blob_fetched blob) const {
  auto todo = now.sources.take(std::move(blob));
  return now.sources.done() ? ask(now) : todo;
}

commands librarian_mind::ask(state& now) const {
  auto sources = std::exchange(now.sources, {});
  const auto& unread = sources.unread();
  now.shown = sources.best();
  if (now.shown.empty() && !unread.empty())
    return {reply_failed{{unread.front().why.code, "I cannot look into " + unread.front().called
                                                       + ": " + unread.front().why.message}}};
  if (now.shown.empty())
    return {say(not_told(now.told))};
  std::vector<std::string> names;
  names.reserve(unread.size());
  for (const auto& one : unread)
    names.push_back(one.called + " (" + one.why.message + ')');
  if (!names.empty())
    now.unread = "I could not look into " + listed(names) + '.';
  script::values values{{"question", now.question}, {"passages", show_passages(now.shown)}};
  return {ask_model{1, script_->say("answer", values), true, std::string{no_answer_reply}}};
}

commands librarian_mind::answered(state& now, model_answered outcome_known) const {
  auto shown = std::exchange(now.shown, {}); // what it read is not kept until the next question
  if (outcome_known.error.code != ec::none)
    return {reply_failed{std::move(outcome_known.error)}};
  // What was streamed stays as it is: notes come after it.
  auto text = std::move(*outcome_known.answer.mutable_text());
  if (says_no_answer(text))
    text = not_told(now.told);
  std::size_t unverified = 0;
  for (const auto& quote : quotes_in(text))
    unverified += excerpt_with(shown, quote.source, quote.text) ? 0 : 1;
  auto note = [&](const std::string& words) {
    text += (text.ends_with("\n") ? "\n" : "\n\n") + words;
  };
  if (unverified > 0)
    note("Beware: " + count_of(unverified, "quotation")
         + " above cannot be found in what I was told.");
  if (!now.unread.empty())
    note(now.unread);
  return {say(std::move(text))};
}

} // namespace troupe
