#include "actors/reading/digest_report.hpp"

#include <gtest/gtest.h>

namespace troupe {
namespace {

TEST(escape_markdown, leaves_nothing_that_markdown_would_take_for_its_own) {
  EXPECT_EQ(escape_markdown("a\n# b"), "a \\# b");
  EXPECT_EQ(escape_markdown("- item"), "\\- item");
  EXPECT_EQ(escape_markdown("12. item"), "12\\. item");
  EXPECT_EQ(escape_markdown("v1.2"), "v1.2");
  EXPECT_EQ(escape_markdown("a\x1b[2Jb"), "a \\[2Jb");
  EXPECT_EQ(escape_markdown("<b>[x](y) `c` a_b &copy; \\"),
            "\\<b\\>\\[x\\](y) \\`c\\` a\\_b \\&copy; \\\\");
}

TEST(write_report, lets_no_quotation_become_html) {
  digest_report report;
  report.best.push_back({"A", "text <!-- <script> 1 < 2 <https://x.org/>\n\nmore", 1, 3});
  auto text = write_report(report);
  EXPECT_NE(text.find(">     text <!-- <script> 1 < 2 <https://x.org/>\n>\n>     more\n"),
            std::string::npos)
      << text;
}

} // namespace
} // namespace troupe
