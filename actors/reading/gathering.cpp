#include "actors/reading/gathering.hpp"

#include "actors/reading/excerpts.hpp"
#include "config/limits/work.hpp"
#include "messages/envelope.hpp"

#include <algorithm>

namespace troupe {

namespace {

/// The exact words of the document, line by line. If all lines except the first are indented, as in
/// list items, the common indentation is left out. A line may end in CR LF or in CR.
std::string verbatim(std::string_view text, const quote_place& place) {
  std::string quote;
  for (auto at = place.begin; at < place.end; ++at)
    if (text[at] != '\r')
      quote += text[at];
    else if (at + 1 == text.size() || text[at + 1] != '\n')
      quote += '\n';
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

} // namespace

DocumentRead read_document(const document& from, std::string_view called, std::string_view question,
                           const give_up& enough) {
  DocumentRead made;
  made.set_not_read(from.not_read());
  made.set_size_bytes(from.size_bytes());
  made.set_lines(from.lines());
  if (!from.not_read().empty())
    return made;
  from.central(called, *made.mutable_central(), enough);
  from.answering(called, question, *made.mutable_answering());
  return made;
}

QuotesFound find_quotes(const document& from, std::string_view called, std::string_view answer) {
  QuotesFound made;
  if (says_no_answer(answer))
    return made;
  std::size_t looked_for = 0;
  for (const auto& quote : quotes_in(answer)) {
    auto place = ++looked_for <= limits::model_quotes_max
                     ? from.find(called, quote.source, quote.text)
                     : std::nullopt;
    if (!place) {
      made.set_unverified(made.unverified() + 1);
      continue;
    }
    auto found = made.add_quotes();
    found->set_text(verbatim(from.text(), *place));
    found->set_first_line(place->first_line);
    found->set_last_line(place->last_line);
    found->set_source(source_label(called, place->first_line, place->last_line));
  }
  return made;
}

// -- gathering ------------------------------------------------------------------------------------

void gathering::add(std::string_view called, std::string_view told) {
  auto parts = cut_passages(told, limits::passage_bytes_aim);
  passages_ += parts.size();
  for (const auto& part : parts)
    kept_.Add(excerpt_of(fold_space(called),
                         std::string{told.substr(part.begin, part.end - part.begin)}));
  thin_out();
}

void gathering::add(std::string_view called, const document& from) {
  passages_ += from.passages();
  if (from.is_text())
    from.answering(called, question_, kept_);
  else
    add_unread(called, {ec::invalid_argument, from.not_read()});
  thin_out();
}

void gathering::add_unread(std::string_view called, const failure& why) {
  auto noted = made_.add_unread();
  noted->set_name(std::string{called});
  *noted->mutable_why() = to_proto(why);
}

void gathering::thin_out() {
  for (; seen_ < static_cast<std::size_t>(kept_.size()); ++seen_) {
    const auto& one = kept_[static_cast<int>(seen_)];
    bytes_ += one.source().size() + one.text().size();
  }
  if (bytes_ <= limits::gathered_bytes_max)
    return;
  kept_ = best_excerpts(std::move(kept_), question_, limits::gathered_bytes_max / 2);
  bytes_ = seen_ = 0;
  thin_out(); // counts what is left
}

ExcerptsGathered gathering::finish() {
  *made_.mutable_excerpts() =
      best_excerpts(std::move(kept_), question_, limits::prompt_passages_bytes_max);
  return std::move(made_);
}

} // namespace troupe
