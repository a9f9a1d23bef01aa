// The parts of an editor's report.

#include "actors/agents/values.hpp"
#include "actors/reading/digest_report.hpp"
#include "actors/reading/excerpts.hpp"
#include "actors/reading/gathering.hpp"
#include "actors/text/text.hpp"
#include "config/limits/work.hpp"

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
  digest_report::report_reading reading;
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

digest_report report_of(const ValueMap& input) {
  digest_report report;
  report.question = fold_space(text_field(input, "question"));
  for (const auto& one : list_field(input, "readings").items())
    take_reading(report, one.map());
  for (const auto& one : list_field(input, "skipped").items())
    report.not_read.push_back({text_field(one.map(), "name"), text_field(one.map(), "why")});
  return report;
}

/// The quotations that a model can choose from, as they are shown to it.
struct offers {
  std::vector<const digest_report::report_quote*> quotations;
  std::vector<std::string> sources;

  explicit offers(const digest_report& report) {
    for (const auto& reading : report.readings)
      for (const auto& quote : reading.answers) {
        quotations.push_back(&quote);
        sources.push_back(source_label(quote.document, quote.first_line, quote.last_line));
      }
  }

  /// The one that contains `quote`, preferring the one called `source`; null if none contains it.
  const digest_report::report_quote* with(std::string_view source, std::string_view quote) const {
    const digest_report::report_quote* found = nullptr;
    for (std::size_t i = 0; i < quotations.size(); ++i) {
      if ((found && sources[i] != source) || !locate_quote(quotations[i]->text, quote))
        continue;
      if (sources[i] == source)
        return quotations[i];
      found = quotations[i];
    }
    return found;
  }
};

/// The part of `from` that the model quoted, with its line numbers in the document.
digest_report::report_quote part_of(const digest_report::report_quote& from,
                                    std::string_view quote) {
  auto place = locate_quote(from.text, quote);
  if (!place)
    return from;
  auto part = from;
  part.text = from.text.substr(place->begin, place->end - place->begin);
  part.first_line = from.first_line + place->first_line - 1;
  part.last_line = from.first_line + place->last_line - 1;
  return part;
}

void choose_best(digest_report& report, std::string_view answer) {
  offers offered{report};
  std::size_t looked_for = 0;
  for (const auto& quote : quotes_in(answer)) {
    auto from =
        ++looked_for <= limits::model_quotes_max ? offered.with(quote.source, quote.text) : nullptr;
    if (from)
      report.best.push_back(part_of(*from, quote.text));
    else
      ++report.unverified;
  }
}

void finish(ReadingsEdited& made, const digest_report& report) {
  made.set_done(true);
  auto text = write_report(report);
  made.mutable_report()->mutable_output()->set_text(text);
  made.mutable_report()->set_text(std::move(text));
}

} // namespace

ReadingsEdited edit_readings(EditReadings asked) {
  ReadingsEdited made;
  auto report = report_of(asked.input());
  if (asked.answered()) {
    report.model = asked.model();
    choose_best(report, asked.answer());
    finish(made, report);
    return made;
  }
  offers offered{report};
  if (offered.quotations.empty()) {
    finish(made, report);
    return made;
  }
  std::vector<std::size_t> sizes;
  std::vector<std::string_view> texts;
  for (std::size_t i = 0; i < offered.quotations.size(); ++i) {
    texts.push_back(offered.quotations[i]->text);
    sizes.push_back(texts.back().size() + offered.sources[i].size());
  }
  for (auto index : best_of(sizes, texts, report.question, limits::prompt_passages_bytes_max))
    made.mutable_excerpts()->Add(excerpt_of(offered.sources[index], std::string{texts[index]}));
  made.mutable_input()->Swap(asked.mutable_input());
  return made;
}

} // namespace troupe
