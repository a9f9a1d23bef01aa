#include "actors/reading/gathering.hpp"
#include "config/limits/reading.hpp"
#include "config/limits/work.hpp"

#include <gtest/gtest.h>

#include <fstream>

namespace troupe {
namespace {

std::string filler(int from, int to) {
  std::string text;
  for (int i = from; i < to; ++i)
    text += "Filler of some length that keeps things apart, number " + std::to_string(i) + ".\n\n";
  return text;
}

std::size_t bytes_of(const google::protobuf::RepeatedPtrField<Excerpt>& excerpts) {
  std::size_t bytes = 0;
  for (const auto& one : excerpts)
    bytes += one.text().size() + one.source().size();
  return bytes;
}

bool holds(const google::protobuf::RepeatedPtrField<Excerpt>& excerpts, std::string_view words) {
  for (const auto& one : excerpts)
    if (one.text().find(words) != std::string::npos)
      return true;
  return false;
}

TEST(document, that_is_short_is_shown_whole) {
  document from{filler(0, 20)};
  auto read = read_document(from, "d", "whale");
  EXPECT_EQ(read.lines(), 40u);
  EXPECT_EQ(read.size_bytes(), filler(0, 20).size());
  EXPECT_TRUE(holds(read.central(), "number 0."));
  EXPECT_TRUE(holds(read.central(), "number 19."));
  EXPECT_EQ(bytes_of(read.central()), bytes_of(read.answering()));
}

TEST(document, that_is_long_is_shown_by_its_beginning_and_by_what_answers) {
  document from{filler(0, 5'000) + "You must give the whale.\n" + filler(0, 5'000)};
  auto read = read_document(from, "d", "Who gets the whale?");
  EXPECT_LE(bytes_of(read.central()), limits::summary_passages_bytes_max);
  EXPECT_LE(bytes_of(read.answering()), limits::prompt_passages_bytes_max);
  EXPECT_TRUE(holds(read.central(), "number 0."));
  EXPECT_TRUE(holds(read.answering(), "whale"));
}

TEST(document, without_text_says_why) {
  EXPECT_EQ(document{std::string("ELF\0", 4)}.not_read(), "it is not text");
  EXPECT_EQ(document{" \n"}.not_read(), "it is empty");
  EXPECT_EQ(document{""}.not_read(), "it is empty");
}

/// The highest resident memory of this process from now on, in bytes; 0 if it is unknown.
class resident_peak {
public:
  resident_peak() {
    std::ofstream{"/proc/self/clear_refs"} << "5";
    before_ = read("VmRSS:");
  }
  std::uint64_t above() const { return read("VmHWM:") - before_; }

private:
  static std::uint64_t read(const std::string& what) {
    std::ifstream file{"/proc/self/status"};
    for (std::string word; file >> word;)
      if (word == what && file >> word)
        return std::stoull(word) * 1024;
    return 0;
  }
  std::uint64_t before_ = 0;
};

/// Texts with the most words, the most passages or the most lines for their size.
std::vector<std::pair<std::string, std::string>> dense_texts(std::size_t bytes) {
  std::string different, pairs, wide, paragraphs, lines;
  for (unsigned i = 0; different.size() < bytes; ++i)
    different += "w" + std::to_string(i) + ' ';
  for (unsigned i = 1; pairs.size() < bytes; i = i * 1'664'525 + 1'013'904'223) {
    pairs += static_cast<char>('a' + (i >> 16) % 26);
    pairs += static_cast<char>('a' + (i >> 24) % 26);
    pairs += ' ';
  }
  for (unsigned i = 1; wide.size() < bytes; i = i * 1'664'525 + 1'013'904'223) {
    auto letter = 0x100 + (i >> 16) % 0x500;
    wide += static_cast<char>(0xc0 | letter >> 6);
    wide += static_cast<char>(0x80 | (letter & 0x3f));
    wide += ' ';
  }
  while (paragraphs.size() < bytes)
    paragraphs += "a\n\n";
  while (lines.size() < bytes)
    lines += "the name of somebody in a list\n\n";
  return {{"different words", std::move(different)},
          {"pairs of letters", std::move(pairs)},
          {"single wide letters", std::move(wide)},
          {"paragraphs of a letter", std::move(paragraphs)},
          {"headings", std::move(lines)}};
}

TEST(document, takes_at_most_four_times_its_size) {
  constexpr std::size_t bytes = 4 * limits::mib;
  for (auto& [what, text] : dense_texts(bytes)) {
    auto size = text.size();
    resident_peak peak;
    document from{std::move(text)};
    auto read = read_document(from, "d", "w77 ab somebody");
    EXPECT_LE(peak.above() + size, limits::reading_memory_factor * size) << what;
    EXPECT_LE(from.memory(), 2 * size) << what;
    EXPECT_FALSE(read.central().empty()) << what;
  }
}

TEST(find_quotes, finds_a_quotation_in_the_passage_that_is_named) {
  document from{"The same sentence.\n\n" + filler(0, 100) + "The same sentence.\n"};
  auto read = read_document(from, "d", "x");
  auto last = read.answering(read.answering_size() - 1).source();
  auto found = find_quotes(from, "d", "> The same sentence.\nSource: " + last + "\n");
  ASSERT_EQ(found.quotes_size(), 1);
  EXPECT_EQ(found.quotes(0).first_line(), 203u);
  found = find_quotes(from, "d", "> The same sentence.\nSource: elsewhere\n");
  EXPECT_EQ(found.quotes(0).first_line(), 1u);
}

TEST(find_quotes, keeps_each_character_and_makes_line_ends_plain) {
  document from{"He said\r\n\"C:\\temp\"\ttwice\rand </passage>\u2028went.\n"};
  auto found = find_quotes(from, "d", "> He said \"C:\\temp\" twice and </passage>\u2028went.\n");
  ASSERT_EQ(found.quotes_size(), 1);
  EXPECT_EQ(found.quotes(0).text(), "He said\n\"C:\\temp\"\ttwice\nand </passage>\u2028went.");
  EXPECT_EQ(found.quotes(0).first_line(), 1u);
  EXPECT_EQ(found.quotes(0).last_line(), 2u);
}

TEST(find_quotes, counts_what_stands_nowhere_and_what_is_too_much) {
  document from{"One line.\n"};
  std::string answer;
  for (std::size_t i = 0; i < limits::model_quotes_max + 3; ++i)
    answer += "> One line.\n\n";
  auto found = find_quotes(from, "d", "> Two lines.\n\n" + answer);
  EXPECT_EQ(found.quotes_size(), static_cast<int>(limits::model_quotes_max - 1));
  EXPECT_EQ(found.unverified(), 5u);
  EXPECT_EQ(find_quotes(from, "d", "NO ANSWER").unverified(), 0u);
}

TEST(gathering, keeps_the_order_in_which_things_were_given) {
  gathering subject{"question"};
  subject.add("told", "third");
  subject.add("a", document{"first"});
  subject.add("b", document{"second"});
  auto made = subject.finish();
  ASSERT_EQ(made.excerpts_size(), 3);
  EXPECT_EQ(made.excerpts(0).source(), "told");
  EXPECT_EQ(made.excerpts(1).source(), "a lines 1-1");
  EXPECT_EQ(made.excerpts(2).text(), "second");
}

TEST(gathering, notes_what_cannot_be_read) {
  gathering subject{"question"};
  subject.add_unread("a", {ec::unavailable, "node-2 is down"});
  subject.add("b", document{std::string(4, '\0')});
  subject.add("blank", document{"\n"});
  auto made = subject.finish();
  ASSERT_EQ(made.unread_size(), 2);
  EXPECT_EQ(made.unread(0).why().code(), static_cast<std::uint32_t>(ec::unavailable));
  EXPECT_EQ(made.unread(1).name(), "b");
  EXPECT_TRUE(made.excerpts().empty());
}

TEST(gathering, holds_only_so_much_of_many_documents) {
  std::string text;
  while (text.size() < 60'000)
    text += "some words about nothing much, again and again\n\n";
  document common{text}, with_whale{text + "the whale is in the harbour\n"};
  gathering subject{"where is the whale"};
  for (int i = 0; i < 200; ++i)
    subject.add("d", i == 3 ? with_whale : common);
  auto made = subject.finish();
  EXPECT_LE(bytes_of(made.excerpts()), limits::prompt_passages_bytes_max);
  EXPECT_TRUE(holds(made.excerpts(), "harbour"));
}

} // namespace
} // namespace troupe
