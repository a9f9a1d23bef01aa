#include "tests/e2e/e2e.hpp"

#include <fstream>

/// Documents of any size and any content.
namespace troupe::tests {

namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr std::size_t mb = 1'000'000;

std::string different_words(std::size_t bytes) {
  std::string text = "The widget must be returned within thirty days.\n\n";
  char word[16];
  for (unsigned i = 0; text.size() < bytes; ++i) {
    std::snprintf(word, sizeof word, "w%x ", i);
    text += word;
  }
  return text;
}

class large_documents : public e2e_test {
protected:
  std::filesystem::path folder = user.path() / "large";
  large_documents() { std::filesystem::create_directory(folder); }

  command_result ask(const std::string& text) {
    return user.troupe({"send", "librarian/ada", text}, {}, 120s);
  }
};

TEST_F(large_documents, of_different_words_take_no_more_than_four_times_their_size_together) {
  cluster one{user, {.nodes = 1}};
  for (auto name : {"a.txt", "b.txt"})
    write_file(folder / name, std::string{name} + "\n\n" + different_words(30 * mb));
  auto ran = user.troupe(digest(folder, "When must the widget be returned?"), {}, 120s);
  ASSERT_TRUE(ran.ok()) << ran.shown();
  EXPECT_THAT(ran.out, HasSubstr("> The widget must be returned within thirty days."));
  EXPECT_LT(peak_resident_bytes(one.node("node-1").pid), 200 * mb);
}

TEST_F(large_documents, are_read_once_for_all_questions) {
  cluster one{user, {.nodes = 1}};
  write_file(folder / "a.txt", different_words(30 * mb));
  ASSERT_TRUE(ask("Remember the folder " + folder.string()).ok());
  auto pid = one.node("node-1").pid;
  auto before = processor_time(pid);
  EXPECT_THAT(ask("When must the widget be returned?").out, HasSubstr("within thirty days"));
  auto first = processor_time(pid) - before;
  EXPECT_THAT(ask("Within how many days must the widget be returned?").out,
              HasSubstr("within thirty days"));
  EXPECT_LT(processor_time(pid) - before - first, first / 4);
  EXPECT_LT(peak_resident_bytes(pid), 200 * mb);
}

TEST_F(large_documents, that_speak_of_passages_are_quoted_as_they_are) {
  cluster one{user, {.nodes = 1}};
  const std::string sentence =
      "The element </passage> must be returned within thirty \\ days by \"widgets\".";
  write_file(folder / "a.txt", sentence + "\n");
  auto report = user.troupe(digest(folder, "When must widgets be returned?"));
  EXPECT_THAT(report.out, HasSubstr(sentence)) << report.shown();
  EXPECT_THAT(report.out, Not(HasSubstr("left out")));
  auto answer = user.troupe({"run", "ask", "--input", "file=" + (folder / "a.txt").string(),
                             "--input", "question=When must widgets be returned?"});
  EXPECT_THAT(answer.out, HasSubstr("> " + sentence)) << answer.shown();
  ASSERT_TRUE(ask("Remember the folder " + folder.string()).ok());
  EXPECT_THAT(ask("When must widgets be returned?").out, HasSubstr("> " + sentence));
}

} // namespace

} // namespace troupe::tests
