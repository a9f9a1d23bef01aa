#include "actors/llm/sse_reader.hpp"

#include "config/base/split_mix.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace troupe {

namespace {

struct got_event {
  std::string type, data, id;
  bool operator==(const got_event&) const = default;
};

void PrintTo(const got_event& what, std::ostream* out) {
  *out << what.type << "|" << what.data << "|" << what.id;
}

using events = std::vector<got_event>;

void read(sse_reader& reader, std::string_view bytes, events& into) {
  reader.give(bytes);
  while (auto each = reader.next())
    into.push_back({std::string{each->type}, std::string{each->data}, std::string{each->id}});
}

/// Byte by byte and in one piece: both have to give the same.
events all(std::string_view stream) {
  events whole, single;
  sse_reader at_once, by_byte;
  read(at_once, stream, whole);
  for (auto byte : stream)
    read(by_byte, {&byte, 1}, single);
  EXPECT_EQ(whole, single);
  return whole;
}

events of_data(std::initializer_list<const char*> data) {
  events made;
  for (auto each : data)
    made.push_back({"message", each, ""});
  return made;
}

// The examples and rules of the HTML standard, 9.2.5 and 9.2.6.

TEST(sse_reader, joins_lines_of_data) {
  EXPECT_EQ(all("data: YHOO\ndata: +2\ndata: 10\n\n"), of_data({"YHOO\n+2\n10"}));
}

TEST(sse_reader, knows_comments_ids_and_no_last_event_without_its_end) {
  EXPECT_EQ(all(": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\n"
                "data:  third event\n"),
            (events{{"message", "first event", "1"}, {"message", "second event", ""}}));
}

TEST(sse_reader, keeps_all_spaces_but_the_first) {
  EXPECT_EQ(all("data:  third event\n\n"), of_data({" third event"}));
  EXPECT_EQ(all("data:test\n\ndata: test\n\n"), of_data({"test", "test"}));
}

TEST(sse_reader, gives_events_without_text) {
  EXPECT_EQ(all("data\n\ndata\ndata\n\ndata:"), of_data({"", "\n"}));
}

TEST(sse_reader, knows_three_line_ends) {
  EXPECT_EQ(all("data: a\r\rdata: b\r\n\r\ndata: c\n\ndata: d\r\n\rdata: e\n\r\n"),
            of_data({"a", "b", "c", "d", "e"}));
}

TEST(sse_reader, gives_an_event_at_the_first_byte_of_its_end) {
  sse_reader reader;
  events got;
  read(reader, "data: a\r\n\r", got);
  EXPECT_EQ(got, of_data({"a"}));
  read(reader, "\ndata: b\r\n\r\n", got);
  EXPECT_EQ(got, of_data({"a", "b"}));
}

TEST(sse_reader, skips_one_byte_order_mark) {
  EXPECT_EQ(all("\xEF\xBB\xBF"
                "data: a\n\n"),
            of_data({"a"}));
  EXPECT_EQ(all("\xEF\xBB\xBF\xEF\xBB\xBF"
                "data: a\n\ndata: b\n\n"),
            of_data({"b"}));
  EXPECT_EQ(all("\xEF\xBB"
                "data: a\n\ndata: b\n\n"),
            of_data({"b"}));
  EXPECT_EQ(all("\n\xEF\xBB\xBF"
                "data: a\n\ndata: b\n\n"),
            of_data({"b"}));
}

TEST(sse_reader, takes_the_type_of_an_event_for_that_event_alone) {
  EXPECT_EQ(all("event: add\ndata: 1\n\ndata: 2\n\nevent: a\nevent: b\ndata: 3\n\nevent: c\n\n"
                "data: 4\n\nevent:\ndata: 5\n\n"),
            (events{{"add", "1", ""},
                    {"message", "2", ""},
                    {"b", "3", ""},
                    {"message", "4", ""},
                    {"message", "5", ""}}));
}

TEST(sse_reader, keeps_an_id_until_another_comes) {
  EXPECT_EQ(all("id: 7\ndata: a\n\ndata: b\n\nid: 8\n\ndata: c\n\n"),
            (events{{"message", "a", "7"}, {"message", "b", "7"}, {"message", "c", "8"}}));
  EXPECT_EQ(all({"id: 1\ndata: a\n\nid: x\0y\ndata: b\n\n", 32}),
            (events{{"message", "a", "1"}, {"message", "b", "1"}}));
}

TEST(sse_reader, ignores_fields_that_it_does_not_know) {
  EXPECT_EQ(all("Data: x\n data: x\ndatax: x\nfoo\n:data: x\ndata: a\nbar: b\n\n"), of_data({"a"}));
}

TEST(sse_reader, knows_how_long_to_wait) {
  sse_reader reader;
  events got;
  read(reader, "retry: 1x\nretry: -1\nretry:\n", got);
  EXPECT_FALSE(reader.retry());
  read(reader, "retry: 2500\nretry: 99999999999999999999\n", got);
  EXPECT_EQ(reader.retry(), std::chrono::milliseconds{2500});
}

TEST(sse_reader, keeps_bytes_that_are_no_text_for_who_reads_the_data) {
  EXPECT_EQ(all("data: \xff\xf0\x9f\n\n"), of_data({"\xff\xf0\x9f"}));
}

TEST(sse_reader, knows_whether_it_is_within_an_event) {
  sse_reader reader;
  events got;
  EXPECT_FALSE(reader.within_event());
  read(reader, "da", got);
  EXPECT_TRUE(reader.within_event());
  read(reader, "ta: a\n", got);
  EXPECT_TRUE(reader.within_event());
  read(reader, "\n: ping\n", got);
  EXPECT_FALSE(reader.within_event());
}

TEST(sse_reader, bounds_an_event) {
  auto gives = [](const std::string& stream, std::size_t step) {
    sse_reader reader{100};
    events got;
    for (std::size_t at = 0; at < stream.size(); at += step)
      read(reader, std::string_view{stream}.substr(at, step), got);
    return std::pair{got.size(), reader.too_large()};
  };
  using outcome_of = std::pair<std::size_t, bool>;
  for (std::size_t step : {1, 7, 1000}) {
    EXPECT_EQ(gives("data:" + std::string(95, 'x') + "\n\ndata: y\n\n", step),
              (outcome_of{2, false}));
    EXPECT_EQ(gives("data: y\n\ndata:" + std::string(200, 'x') + "\n\ndata: z\n\n", step),
              (outcome_of{1, true}));
    std::string many_lines, comments;
    for (int i = 0; i < 200; ++i) {
      many_lines += "data\n";
      comments += ": still here\n";
    }
    EXPECT_EQ(gives(many_lines + "\n", step), (outcome_of{0, true}));
    EXPECT_EQ(gives(comments + "data: z\n\n", step), (outcome_of{1, false}));
  }
}

TEST(sse_reader, gives_the_same_however_the_bytes_are_split) {
  constexpr std::string_view alphabet[] = {
      "data: ", "data:",   "data", "\n",       "\n\n", "\r",           "\r\n",    "id: ",      "x",
      ":",      "event: ", "ü",    "retry: 5", " ",    "\xEF\xBB\xBF", {"\0", 1}, "{\"a\": 1}"};
  split_mix random{20'261'127};
  for (int round = 0; round < 2'000; ++round) {
    std::string stream;
    for (auto parts = random.next() % 40; parts > 0; --parts)
      stream += alphabet[random.next() % std::size(alphabet)];
    auto expected = all(stream);
    sse_reader reader;
    events got;
    for (std::string_view rest = stream; !rest.empty();) {
      auto size = std::min<std::size_t>(rest.size(), random.next() % 9);
      std::string copy{rest.substr(0, size)}; // its memory is gone afterwards
      read(reader, copy, got);
      rest.remove_prefix(size);
    }
    ASSERT_EQ(got, expected) << testing::PrintToString(stream);
  }
}

} // namespace

} // namespace troupe
