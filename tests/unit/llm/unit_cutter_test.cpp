#include "actors/llm/unit_cutter.hpp"

#include "config/limits/models.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

namespace troupe {
namespace {

using ::testing::ElementsAre;

/// The units of the text, given in parts that end at those places, and what is left.
std::vector<std::string> units_of(PieceUnit unit, std::string_view text,
                                  const std::vector<std::size_t>& cuts = {}) {
  unit_cutter cutter{unit};
  std::vector<std::string> units;
  std::size_t from = 0;
  for (auto cut : cuts)
    cutter.give(text.substr(from, cut - from), units), from = cut;
  cutter.give(text.substr(from), units);
  if (auto rest = cutter.rest(); !rest.empty())
    units.push_back(rest);
  return units;
}

TEST(unit_cutter, gives_lines_with_their_ends) {
  EXPECT_THAT(units_of(UNIT_LINES, "one\n\ntwo\r\nthree"),
              ElementsAre("one\n", "\n", "two\r\n", "three"));
  unit_cutter cutter{UNIT_LINES};
  std::vector<std::string> units;
  cutter.give("one", units);
  EXPECT_TRUE(units.empty()) << "its end has not come";
  cutter.give("\ntwo", units);
  EXPECT_THAT(units, ElementsAre("one\n"));
  EXPECT_EQ(cutter.rest(), "two");
}

TEST(unit_cutter, gives_sentences_with_the_space_behind_them) {
  EXPECT_THAT(units_of(UNIT_SENTENCES,
                       "Mr. Smith went home. Was it late? It was, e.g. at 3 p.m. or "
                       "so!  Good night"),
              ElementsAre("Mr. Smith went home. ", "Was it late? ",
                          "It was, e.g. at 3 p.m. or so!  ", "Good night"));
}

TEST(unit_cutter, gives_json_values_whatever_stands_between_them) {
  EXPECT_THAT(
      units_of(
          UNIT_JSON_VALUES,
          "Here: {\"a\": \"}\\\"{\", \"b\": [1, {}]}\n[2]\n```json {\"c\": 1} ``` and {\"half"),
      ElementsAre("{\"a\": \"}\\\"{\", \"b\": [1, {}]}", "[2]", "{\"c\": 1}", "{\"half"));
}

TEST(unit_cutter, gives_the_same_units_however_the_text_was_cut) {
  std::string text = "The U.S. has 50 states. Each has a capital, e.g. Albany. 1. First item.\n"
                     "2. Second one?  \xc3\x9c"
                     "ber all dem! {\"k\": \"a. b\"} [1, 2] \"end\"\n\nNew part. "
                     "Dr. No said: wait... Then he left. The end";
  std::minstd_rand random{3};
  for (auto unit : {UNIT_LINES, UNIT_SENTENCES, UNIT_JSON_VALUES}) {
    auto whole = units_of(unit, text);
    for (int round = 0; round < 300; ++round) {
      std::vector<std::size_t> cuts;
      for (std::size_t at = random() % 9; at < text.size(); at += 1 + random() % 9)
        cuts.push_back(at);
      ASSERT_EQ(units_of(unit, text, cuts), whole) << "unit " << unit << ", round " << round;
    }
    std::string joined;
    for (const auto& each : whole)
      joined += each;
    if (unit != UNIT_JSON_VALUES) {
      EXPECT_EQ(joined, text) << "nothing is left out";
    }
  }
}

/// An answer that came in one piece: what it costs must not grow with the square of its length.
TEST(unit_cutter, cuts_many_units_that_come_at_once) {
  constexpr std::size_t size = 1 << 20;
  auto many = [](std::string_view unit) {
    std::string text;
    while (text.size() + unit.size() <= size)
      text += unit;
    return text;
  };
  for (auto [kind, unit] :
       {std::pair<PieceUnit, std::string_view>{UNIT_LINES, "line\n"},
        {UNIT_SENTENCES, "It was said that all of this had been known for a long time. "},
        {UNIT_JSON_VALUES, "[1, {}]"}}) {
    auto text = many(unit);
    auto cut = units_of(kind, text);
    ASSERT_EQ(cut.size(), text.size() / unit.size()) << "unit " << kind;
    for (const auto& each : cut)
      ASSERT_EQ(each, unit);
  }
}

TEST(unit_cutter, is_bounded) {
  std::string longest(limits::piece_unit_bytes_max, 'x');
  EXPECT_THAT(units_of(UNIT_LINES, longest + "yz"), ::testing::SizeIs(1)) << "given at once";
  unit_cutter cutter{UNIT_JSON_VALUES};
  std::vector<std::string> units;
  cutter.give("[", units);
  cutter.give(longest, units);
  EXPECT_THAT(units, ::testing::SizeIs(1));
  EXPECT_EQ(cutter.rest(), "");
}

} // namespace
} // namespace troupe
