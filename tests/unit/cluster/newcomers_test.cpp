#include "actors/cluster/newcomers.hpp"

#include "config/limits/links.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace troupe {

namespace {

using namespace std::chrono_literals;

class newcomers_at_a_door : public testing::Test {
protected:
  /// Adds a connection that is old enough to have spoken.
  void enters(std::uint64_t number) { enters_at(number, long_ago); }
  void enters_at(std::uint64_t number, instant when) {
    door.comes();
    door.enter(number, when, [this, number] { asked.push_back(number); });
  }

  static constexpr instant now{1h};
  static constexpr instant long_ago{1min};
  newcomers door{3};
  std::vector<std::uint64_t> asked;
};

} // namespace

TEST_F(newcomers_at_a_door, stay_while_there_is_room) {
  for (auto number : {1, 2, 3})
    enters(number);
  EXPECT_FALSE(door.make_room(now));
  EXPECT_TRUE(asked.empty());
}

TEST_F(newcomers_at_a_door, leave_the_oldest_first) {
  for (auto number : {1, 2, 3, 4, 5})
    enters(number);
  EXPECT_TRUE(door.make_room(now));
  EXPECT_EQ(asked, (std::vector<std::uint64_t>{1, 2}));
  EXPECT_FALSE(door.make_room(now)) << "those that were asked do not stay";
  EXPECT_EQ(door.size(), 5u) << "they have not gone yet";
  EXPECT_EQ(door.asked_to_leave(), 2u);
}

TEST_F(newcomers_at_a_door, leave_the_later_the_more_they_have_done) {
  for (auto number : {1, 2, 3, 4, 5, 6})
    enters(number);
  door.reached(1, newcomers::milestone::hello);
  door.reached(2, newcomers::milestone::spoke);
  door.reached(3, newcomers::milestone::hello);
  door.reached(3, newcomers::milestone::spoke); // it does not go back
  door.reached(4, newcomers::milestone::spoke);
  door.make_room(now);
  EXPECT_EQ(asked, (std::vector<std::uint64_t>{5, 6, 2}));
}

TEST_F(newcomers_at_a_door, may_be_silent_when_they_have_just_come) {
  for (auto number : {1, 2, 3}) {
    enters(number);
    door.reached(number, newcomers::milestone::hello);
  }
  enters_at(4, now - limits::newcomer_grace + 1ms);
  door.make_room(now);
  EXPECT_EQ(asked, (std::vector<std::uint64_t>{1}))
      << "the one that came last had no time to speak";
}

TEST_F(newcomers_at_a_door, leave_last_when_they_have_just_come_and_said_a_whole_hello) {
  for (auto number : {1, 2, 3, 4})
    enters_at(number, now - 1ms);
  door.reached(1, newcomers::milestone::hello);
  door.reached(2, newcomers::milestone::spoke);
  door.make_room(now);
  EXPECT_EQ(asked, (std::vector<std::uint64_t>{2}))
      << "a few bytes are no reason to put those out that had no time to speak";
}

TEST_F(newcomers_at_a_door, come_only_as_fast_as_they_are_registered) {
  newcomers wide{2 * limits::unproven_coming_part};
  wide.comes();
  EXPECT_FALSE(wide.crowded());
  wide.comes();
  EXPECT_TRUE(wide.crowded());
  wide.enter(1, now, [] {});
  EXPECT_FALSE(wide.crowded());
  wide.comes();
  EXPECT_TRUE(wide.crowded());
  wide.gone_before_it_entered();
  EXPECT_FALSE(wide.crowded());
}

TEST_F(newcomers_at_a_door, make_room_by_leaving) {
  for (auto number : {1, 2, 3})
    enters(number);
  door.left(2); // it has proven who it is
  door.left(2);
  door.left(77);
  EXPECT_EQ(door.size(), 2u);
  enters(4);
  EXPECT_FALSE(door.make_room(now));
  enters(5);
  door.make_room(now);
  EXPECT_EQ(asked, (std::vector<std::uint64_t>{1}));
  door.left(1);
  EXPECT_EQ(door.size(), 3u);
  enters(6);
  door.make_room(now);
  EXPECT_EQ(asked, (std::vector<std::uint64_t>{1, 3}))
      << "who has gone after asking counts no more";
}

TEST_F(newcomers_at_a_door, leave_one_by_one_where_something_else_has_run_out) {
  enters(1);
  enters(2);
  EXPECT_TRUE(door.ask_one_to_leave(now));
  EXPECT_TRUE(door.ask_one_to_leave(now));
  EXPECT_FALSE(door.ask_one_to_leave(now));
  EXPECT_EQ(asked, (std::vector<std::uint64_t>{1, 2}));
}

} // namespace troupe
