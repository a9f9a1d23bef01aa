#include "actors/agents/steps_on_disk.hpp"

#include "config/limits/messages.hpp"
#include "config/limits/storage.hpp"
#include "config/limits/units.hpp"
#include "tests/unit/agents/stage.hpp"

#include <gtest/gtest.h>

namespace troupe {
namespace {

using namespace troupe::tests;

struct steps_on_disk_test : ::testing::Test {
  instant now{std::chrono::hours{1}};
  steps_on_disk subject;
  delivery known;

  std::string add(std::uint64_t number, std::size_t bytes = 10) {
    steps_on_disk::message_keys keys;
    bool fits = subject.add({ada, number}, bytes, now, keys);
    return fits ? shown(keys) : "too many";
  }
  std::string settle(std::uint64_t done) {
    steps_on_disk::message_keys keys;
    subject.settle({ada, done}, known, now, keys);
    return shown(keys);
  }
  void accept(std::uint64_t number) { known.accept(client(), {ada, number}, 1, now); }
  static std::string shown(const steps_on_disk::message_keys& keys) {
    std::string text;
    for (const auto& one : keys)
      text += std::to_string(one.number()) + " ";
    return text;
  }
};

TEST_F(steps_on_disk_test, those_of_a_message_that_is_done_go) {
  accept(1);
  accept(2);
  EXPECT_EQ(add(1), "");
  EXPECT_EQ(add(2), "");
  EXPECT_EQ(settle(1), "1 ");
  EXPECT_FALSE(subject.empty());
  EXPECT_EQ(settle(3), "") << "the second may still be repeated";
  EXPECT_EQ(settle(2), "2 ");
  EXPECT_TRUE(subject.empty());
}

TEST_F(steps_on_disk_test, those_of_a_message_that_nobody_repeats_go_with_others) {
  accept(1);
  accept(2);
  add(1);
  known.acknowledge({ada, 1});
  EXPECT_EQ(settle(2), "1 ") << "its session has acknowledged it";
  add(2);
  known = delivery{};
  EXPECT_EQ(settle(3), "2 ") << "its session is forgotten";
  accept(4);
  add(4);
  now += limits::replies_kept_time - std::chrono::seconds{1};
  EXPECT_EQ(settle(5), "");
  add(4);
  now += limits::replies_kept_time - std::chrono::seconds{1};
  EXPECT_EQ(settle(5), "") << "it has had another step";
  now += std::chrono::seconds{1};
  EXPECT_EQ(settle(5), "4 ");
}

TEST_F(steps_on_disk_test, are_bounded_and_those_that_began_first_go) {
  for (std::uint64_t number = 1; number <= limits::open_messages_max; ++number)
    EXPECT_EQ(add(number), "");
  EXPECT_EQ(add(1), "") << "of one that is there already";
  EXPECT_EQ(add(100), "1 ");
  EXPECT_EQ(add(101, limits::open_messages_bytes_max - 25 * 10), [] {
    std::string all;
    for (int number = 2; number <= 40; ++number)
      all += std::to_string(number) + " ";
    return all;
  }());
  EXPECT_EQ(add(102, limits::open_messages_bytes_max + 1), "too many");
}

TEST_F(steps_on_disk_test, what_another_life_has_left_is_taken_once) {
  google::protobuf::RepeatedPtrField<StepsMade> found;
  auto one = found.Add();
  one->mutable_message()->set_session(ada.value);
  one->mutable_message()->set_number(7);
  one->add_steps()->set_number(1);
  subject.restore(found, now);
  EXPECT_EQ(subject.take({ada, 8}).steps_size(), 0);
  EXPECT_EQ(subject.take({ada, 7}).steps_size(), 1);
  EXPECT_EQ(subject.take({ada, 7}).steps_size(), 0);
  accept(9);
  EXPECT_EQ(settle(7), "7 ");
}

} // namespace
} // namespace troupe
