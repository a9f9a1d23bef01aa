#include "actors/llm/sse_reader.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace troupe {

namespace {

/// The same as tests/fuzz/fuzz_sse_reader.cpp does, for builds without libFuzzer.
std::vector<std::string> read(std::string_view stream, std::size_t part_bytes) {
  constexpr std::size_t event_bytes_max = 64;
  sse_reader reader{event_bytes_max};
  std::vector<std::string> made;
  while (!stream.empty()) {
    std::string part{stream.substr(0, part_bytes)};
    stream.remove_prefix(part.size());
    reader.give(part);
    while (auto each = reader.next())
      for (auto text : {each->type, each->data, each->id})
        made.emplace_back(text);
  }
  made.emplace_back(reader.too_large() ? "too large" : "");
  return made;
}

TEST(sse_corpus, gives_the_same_events_however_it_is_split) {
  std::size_t inputs = 0;
  std::filesystem::path corpus{TROUPE_SOURCE_DIR "/tests/data/fuzz/sse_reader"};
  for (const auto& file : std::filesystem::directory_iterator{corpus}) {
    std::ifstream in{file.path(), std::ios::binary};
    std::string bytes{std::istreambuf_iterator<char>{in}, {}};
    ASSERT_FALSE(bytes.empty()) << file.path();
    ++inputs;
    auto stream = std::string_view{bytes}.substr(1);
    auto whole = read(stream, stream.size() + 1);
    for (std::size_t part = 1; part <= 16; ++part)
      EXPECT_EQ(read(stream, part), whole) << file.path();
  }
  EXPECT_GE(inputs, 8U);
}

} // namespace

} // namespace troupe
