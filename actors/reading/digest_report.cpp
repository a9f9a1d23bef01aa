#include "actors/reading/digest_report.hpp"

#include "actors/text/text.hpp"
#include "config/base/count_of.hpp"

#include <algorithm>

namespace troupe {

namespace {

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// Whether HTML begins at `at`, which is a `<`: a tag, a comment, a declaration. `<one line>` with
/// a space is not distinguished from a tag here, so that no tag gets through. `<https://...>` is an
/// address, not a tag.
bool begins_html(std::string_view line, std::size_t at) {
  if (at + 1 >= line.size())
    return false;
  auto next = line[at + 1];
  if (line.substr(at + 1).starts_with("http://") || line.substr(at + 1).starts_with("https://"))
    return false;
  return is_letter(next) || next == '/' || next == '!' || next == '?';
}

bool holds_html(std::string_view text) {
  for (auto at = text.find('<'); at != std::string_view::npos; at = text.find('<', at + 1))
    if (begins_html(text, at))
      return true;
  return false;
}

void append_quote(std::string& out, std::string_view text) {
  constexpr std::string_view code_indent = "    ";
  auto code = holds_html(text);
  for (std::size_t at = 0; at <= text.size();) {
    auto end = std::min(text.find('\n', at), text.size());
    auto line = text.substr(at, end - at);
    out += line.empty() ? ">" : "> ";
    if (code && !line.empty())
      out += code_indent;
    out.append(line) += '\n';
    at = end + 1;
  }
}

std::string lines_of(const digest_report::report_quote& quote) {
  if (quote.first_line == quote.last_line)
    return "line " + std::to_string(quote.first_line);
  return "lines " + std::to_string(quote.first_line) + '-' + std::to_string(quote.last_line);
}

std::string with_commas(std::uint64_t number) {
  auto digits = std::to_string(number);
  for (auto at = static_cast<std::ptrdiff_t>(digits.size()) - 3; at > 0; at -= 3)
    digits.insert(static_cast<std::size_t>(at), ",");
  return digits;
}

void append_best(std::string& out, const digest_report& report) {
  out += "## Best answers\n\n";
  if (report.best.empty()) {
    auto any = std::any_of(report.readings.begin(), report.readings.end(),
                           [](const auto& reading) { return !reading.answers.empty(); });
    out += any ? "The model chose none of the quotations below.\n\n"
               : "None of the documents holds an answer.\n\n";
  }
  for (const auto& quote : report.best) {
    append_quote(out, quote.text);
    out += "\n" + escape_markdown(quote.document) + ", " + lines_of(quote) + "\n\n";
  }
}

void append_reading(std::string& out, const digest_report::report_reading& reading) {
  out += "### " + escape_markdown(reading.document) + "\n\n";
  out += with_commas(reading.size_bytes) + (reading.size_bytes == 1 ? " byte, " : " bytes, ")
         + with_commas(reading.lines) + (reading.lines == 1 ? " line.\n\n" : " lines.\n\n");
  if (!reading.summary.empty())
    out += escape_markdown(reading.summary) + "\n\n";
  if (reading.answers.empty()) {
    out += "This document holds no answer.\n\n";
    return;
  }
  out += "Best answer, " + lines_of(reading.answers.front()) + ":\n\n";
  append_quote(out, reading.answers.front().text);
  out += '\n';
}

} // namespace

std::string escape_markdown(std::string_view text) {
  constexpr std::string_view anywhere = "\\`*_[]<>~&|#";
  auto line = fold_space(text);
  std::string escaped;
  // Characters that begin a list, a heading's underline or a rule: -, +, =, 1. and 1)
  auto digits =
      static_cast<std::size_t>(std::find_if_not(line.begin(), line.end(), is_digit) - line.begin());
  for (std::size_t i = 0; i < line.size(); ++i) {
    auto c = line[i];
    auto control = static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
    auto begins_line = (i == 0 && (c == '-' || c == '+' || c == '='))
                       || (i == digits && i > 0 && (c == '.' || c == ')'));
    if (begins_line || anywhere.find(c) != std::string_view::npos)
      escaped += '\\';
    escaped += control ? ' ' : c;
  }
  return escaped;
}

std::string write_report(const digest_report& report) {
  std::string out = "# " + escape_markdown(report.question) + "\n\n";
  append_best(out, report);
  if (!report.readings.empty()) {
    out += "## Documents\n\n";
    for (const auto& reading : report.readings)
      append_reading(out, reading);
  }
  if (!report.not_read.empty()) {
    out += "## Not read\n\n";
    for (const auto& one : report.not_read)
      out += "- " + escape_markdown(one.document) + ": " + escape_markdown(one.why) + "\n";
    out += '\n';
  }
  out += "---\n\n";
  out += "Made from " + count_of(report.readings.size(), "document");
  out += report.model.empty()
             ? "; no model was asked for the best answers."
             : "; summaries and answers chosen by the model " + escape_markdown(report.model) + ".";
  out += " Every quotation was found in its document.";
  if (report.unverified > 0)
    out += ' ' + count_of(report.unverified, "quotation")
           + (report.unverified == 1 ? " that was not there was left out."
                                     : " that were not there were left out.");
  out += '\n';
  return out;
}

} // namespace troupe
