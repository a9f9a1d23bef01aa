#include "actors/agents/librarian_mind.hpp"

#include "actors/text/text.hpp"
#include "config/base/count_of.hpp"
#include "config/limits/work.hpp"
#include "messages/agents.pb.h"
#include "messages/payload.hpp"
#include "messages/values.pb.h"

#include <algorithm>
#include <optional>
#include <unordered_set>

namespace troupe {

namespace {

constexpr std::size_t names_shown_max = 10;

/// What follows `prefix` in `text`, in upper or lower case; nothing if `text` does not begin with
/// it.
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

/// "a, b, c and 4 more"
struct listed_names {
  std::string text;
  std::size_t count = 0;

  void add(std::string_view called) {
    if (count < names_shown_max)
      text.append(count == 0 ? "" : ", ").append(called);
    ++count;
  }
  std::string show() const {
    if (count <= names_shown_max)
      return text;
    return text + " and " + std::to_string(count - names_shown_max) + " more";
  }
};

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

/// What it is told and did not know yet, and the names of what it already knew.
std::vector<BlobRef> new_documents(const LibrarianState& told, std::vector<BlobRef> documents,
                                   listed_names& known) {
  std::unordered_set<std::string_view> hashes;
  hashes.reserve(static_cast<std::size_t>(told.sources_size()) + documents.size());
  for (const auto& source : told.sources())
    if (source.has_blob())
      hashes.insert(source.blob().sha256());
  std::vector<BlobRef> fresh;
  fresh.reserve(documents.size()); // its contents do not move: `hashes` refers to them
  for (auto& document : documents) {
    if (hashes.contains(document.sha256())) {
      known.add(document.name());
      continue;
    }
    fresh.push_back(std::move(document));
    hashes.insert(fresh.back().sha256());
  }
  return fresh;
}

std::string known_before(const listed_names& known) {
  if (known.count == 0)
    return {};
  return "I had been told the same before: " + known.show() + '.';
}

command remember_documents(LibrarianState& told, std::vector<BlobRef> documents,
                           const std::string& known) {
  listed_names added;
  std::uint64_t bytes = 0;
  for (auto& document : documents) {
    added.add(document.name());
    bytes += document.size_bytes();
    auto source = told.add_sources();
    source->set_name(document.name());
    source->mutable_blob()->Swap(&document);
  }
  std::string text;
  if (added.count > 0)
    text = "I shall remember " + count_of(added.count, "document") + " (" + show_size(bytes)
           + "): " + added.show() + '.';
  if (!known.empty())
    text += (text.empty() ? "" : " ") + known;
  return say(std::move(text));
}

std::string not_told(const LibrarianState& told) {
  std::string text = "I was not told. ";
  if (told.sources().empty())
    return text
           + "So far I know nothing. Tell me with \"Remember the folder PATH\", \"Remember the "
             "file PATH\" or \"Remember: TEXT\".";
  listed_names names;
  for (const auto& source : told.sources())
    names.add(source.name());
  return text + "I looked in " + names.show()
         + ". Tell me more with \"Remember the file PATH\" or \"Remember: TEXT\", or ask in the "
           "words that the text uses.";
}

} // namespace

std::string librarian_mind::save(const state& now) { return now.told.SerializeAsString(); }

bool librarian_mind::load(state& now, std::string_view bytes) {
  return parse_message(now.told, bytes);
}

std::vector<std::string> librarian_mind::blobs_named(const state& now) {
  std::vector<std::string> hashes;
  for (const auto& source : now.told.sources())
    if (source.has_blob())
      hashes.push_back(source.blob().sha256());
  return hashes;
}

std::pair<librarian_mind::state, commands> librarian_mind::decide(state&& now,
                                                                  mind_event happened) const {
  state next = std::move(now);
  commands todo;
  if (auto message = std::get_if<message_received>(&happened))
    todo = received(next, std::move(*message));
  else if (auto reading = std::get_if<reading_answered>(&happened))
    todo = gathered(next, std::move(*reading));
  else if (auto documents = std::get_if<blobs_kept>(&happened))
    todo = kept(next, std::move(*documents));
  else if (auto model = std::get_if<model_answered>(&happened))
    todo = answered(next, std::move(*model));
  return {std::move(next), std::move(todo)};
}

commands librarian_mind::received(state& now, message_received message) const {
  state fresh;
  fresh.told = std::move(now.told);
  now = std::move(fresh);
  if (auto why = too_long("the message", message.text.size()))
    return {reply_failed{std::move(*why)}};
  std::string_view text = message.text;
  text.remove_prefix(std::min(text.find_first_not_of(" \t\r\n"), text.size()));
  if (auto said = after("Remember:", text))
    return {remember_text(now.told, *said)};
  for (const std::string what : {"Remember the folder", "Remember the file"})
    if (auto path = after(what, text); path && path->find_first_not_of(" \t\r\n") == path->npos)
      return {reply_failed{{ec::invalid_argument, "write which one: " + what + " PATH"}}};
  if (after("Remember the folder ", text) || after("Remember the file ", text))
    return documents_came(now, std::move(message.documents));
  return asked(now, std::move(message));
}

commands librarian_mind::documents_came(state& now, std::vector<BlobRef> documents) {
  if (documents.empty())
    return {reply_failed{
        {ec::invalid_argument,
         "no documents came with this message, so nothing was stored: I cannot see files. The "
         "client reads them: troupe send librarian/KEY \"Remember the folder PATH\""}}};
  listed_names known;
  auto fresh = new_documents(now.told, std::move(documents), known);
  now.known = known_before(known);
  if (fresh.empty())
    return {remember_documents(now.told, {}, now.known)};
  return {keep_blobs{0, std::move(fresh)}};
}

commands librarian_mind::kept(state& now, blobs_kept stored) {
  if (stored.error.code != ec::none)
    return {reply_failed{
        {stored.error.code, "I remember none of these documents: " + stored.error.message}}};
  return {remember_documents(now.told, std::move(stored.blobs), std::exchange(now.known, {}))};
}

commands librarian_mind::asked(state& now, message_received message) const {
  now.question = fold_space(message.text);
  if (now.question.empty())
    return {reply_failed{{ec::invalid_argument,
                          "the message is empty: ask something, or tell me with \"Remember: "
                          "TEXT\""}}};
  ask_reading read{1, {}};
  auto gather = read.call.mutable_gather();
  gather->set_question(now.question);
  now.told.SerializeToString(gather->mutable_told());
  // A question may bring its own documents; they are read but not kept.
  for (auto& document : message.documents)
    *gather->add_documents() = std::move(document);
  if (gather->documents().empty() && now.told.sources().empty())
    return {say(not_told(now.told))};
  return {std::move(read)};
}

commands librarian_mind::gathered(state& now, reading_answered reading) const {
  if (reading.error.code != ec::none)
    return {reply_failed{std::move(reading.error)}};
  auto& found = *reading.answer.mutable_gathered();
  now.shown = std::move(*found.mutable_excerpts());
  if (now.shown.empty() && !found.unread().empty()) {
    auto why = from_proto(found.unread(0).why());
    return {reply_failed{
        {why.code, "I cannot look into " + found.unread(0).name() + ": " + why.message}}};
  }
  if (now.shown.empty())
    return {say(not_told(now.told))};
  listed_names names;
  for (const auto& one : found.unread())
    names.add(one.name() + " (" + one.why().message() + ')');
  if (names.count > 0)
    now.unread = "I could not look into " + names.show() + '.';
  script::values values{{"question", template_value{now.question}},
                        {"passages", template_value{show_passages(now.shown)}}};
  auto call = script_->say("answer", values);
  if (!call)
    return {reply_failed{std::move(call).error()}};
  return {ask_model{1, *std::move(call), true, std::string{no_answer_reply}}};
}

commands librarian_mind::answered(state& now, model_answered model) const {
  auto shown = std::exchange(now.shown, {}); // what it read is not kept until the next question
  if (model.error.code != ec::none)
    return {reply_failed{std::move(model.error)}};
  // The streamed text stays as it is: notes come after it.
  auto text = std::move(*model.answer.mutable_text());
  if (says_no_answer(text))
    text = not_told(now.told);
  std::size_t unverified = 0, looked_for = 0;
  for (const auto& quote : quotes_in(text))
    unverified += looked_for++ < limits::model_quotes_max && stands_in(shown, quote.text) ? 0 : 1;
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
