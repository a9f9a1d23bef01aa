#include "telemetry/trace_words.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <set>
#include <sstream>

namespace troupe {
namespace {

TEST(trace_words, are_what_the_page_says) {
  std::ifstream file{TROUPE_SOURCE_DIR "/docs/traces.md"};
  std::ostringstream page;
  page << file.rdbuf();
  EXPECT_EQ(page.str(), describe_traces())
      << "make it anew: build/release/troupe trace --words > docs/traces.md";
}

TEST(trace_words, mean_one_thing_each) {
  std::map<std::string_view, const attribute_word*> known;
  std::set<std::string_view> spans;
  for (const auto& row : span_rows()) {
    EXPECT_TRUE(spans.insert(row.what->first).second) << row.what->first;
    for (auto word : row.attributes) {
      auto [at, added] = known.emplace(word->key, word);
      EXPECT_TRUE(added || at->second == word) << word->key << " stands for two things";
      EXPECT_NE(word->about, "");
    }
  }
  EXPECT_GT(known.size(), 40u);
}

TEST(trace_words, find_the_row_of_a_span_by_its_name) {
  ASSERT_TRUE(row_of("task read"));
  EXPECT_EQ(row_of("task read")->what, &span_names::task);
  EXPECT_EQ(row_of("get blob")->what, &span_names::get_blob);
  EXPECT_EQ(row_of("troupe run digest")->what, &span_names::command);
  EXPECT_EQ(row_of("troupe.door RunSubmit")->what, &span_names::door);
  EXPECT_EQ(row_of("tasks"), nullptr);
  EXPECT_EQ(row_of("get blobs"), nullptr);
  EXPECT_EQ(row_of(""), nullptr);
}

TEST(trace_words, know_what_a_span_may_have) {
  const auto& task = *row_of("task read");
  EXPECT_TRUE(may_have(task, "troupe.task.index"));
  EXPECT_TRUE(may_have(task, "error.type")) << "every span";
  EXPECT_FALSE(may_have(task, "gen_ai.request.model"));
  EXPECT_TRUE(may_have_event(task, "offered"));
  EXPECT_FALSE(may_have_event(task, "not_run"));
}

} // namespace
} // namespace troupe
