#include "messages/name.hpp"

#include "config/limits/messages.hpp"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace troupe {
namespace {

TEST(name, that_is_made_twice_is_there_once) {
  name first{"echo/ada"}, second{"echo/ada"};
  EXPECT_EQ(first, second);
  EXPECT_EQ(first.text().data(), second.text().data());
  EXPECT_NE(first, name{"echo/bob"});
  EXPECT_EQ(name{"echo/ada"}.hash(), first.hash());
}

/// Homes of durable agents are found by it: another hash would lose what they know.
TEST(name, has_the_same_hash_in_every_version) {
  EXPECT_EQ(name{"echo/ada"}.hash(), 0x3854210cc647662bu);
}

TEST(name, that_several_threads_make_is_there_once) {
  std::vector<std::thread> threads;
  std::vector<std::vector<name>> made(4);
  for (auto& mine : made)
    threads.emplace_back([&mine] {
      for (int i = 0; i < 2'000; ++i)
        mine.emplace_back("shared/" + std::to_string(i));
    });
  for (auto& one : threads)
    one.join();
  for (std::size_t i = 0; i < 2'000; ++i)
    for (const auto& others : made)
      ASSERT_EQ(others[i].text().data(), made[0][i].text().data());
}

TEST(name, beyond_those_that_are_kept_is_counted_and_as_good) {
  for (std::size_t i = 0; i < 2 * limits::names_kept_max; ++i)
    name{"many/" + std::to_string(i)};
  name first{"one/more"}, second{"one/more"};
  EXPECT_NE(first.text().data(), second.text().data()) << "the table is full";
  EXPECT_EQ(first, second);
  auto copy = first;
  first = name{};
  EXPECT_EQ(copy.text(), "one/more");
}

} // namespace
} // namespace troupe
