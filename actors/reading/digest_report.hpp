#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace troupe {

/// The contents of an editor's report. All of it may be arbitrary text: `write_report` escapes it.
struct digest_report {
  struct report_quote {
    std::string document;
    std::string text; ///< verbatim
    std::uint32_t first_line = 0;
    std::uint32_t last_line = 0;
  };
  struct report_reading {
    std::string document;
    std::uint64_t size_bytes = 0;
    std::uint32_t lines = 0;
    std::string summary;
    std::vector<report_quote> answers; ///< the best first
  };
  struct skipped {
    std::string document;
    std::string why;
  };

  std::string question;
  std::vector<report_quote> best; ///< over all documents
  std::vector<report_reading> readings;
  std::vector<skipped> not_read;
  std::string model;            ///< that wrote it; empty if no model was asked
  std::uint64_t unverified = 0; ///< quotations that a model gave but no document holds
};

/// The report in CommonMark. The same report gives the same bytes.
///
/// Names and summaries are escaped. A quotation keeps its exact words and lines, each after `> `. A
/// quotation that would begin an HTML tag or comment, which could swallow the rest of the page, is
/// written as code (indented by four spaces): Markdown then shows each character as it is.
std::string write_report(const digest_report& report);

/// One line of text in which no character has a meaning in Markdown.
std::string escape_markdown(std::string_view text);

} // namespace troupe
