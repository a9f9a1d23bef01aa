#include "actors/reading/document_shelf.hpp"
#include "config/limits/reading.hpp"

#include <gtest/gtest.h>

namespace troupe {
namespace {

constexpr auto large = limits::small_document_bytes_max * 4;
constexpr auto room = limits::reading_memory_factor * large; // for a document that is being made

BlobRef blob(std::string hash, std::uint64_t bytes) {
  BlobRef made;
  made.set_sha256(std::move(hash));
  made.set_size_bytes(bytes);
  return made;
}

std::shared_ptr<const document> made(std::size_t bytes) {
  return std::make_shared<const document>(std::string(bytes, 'x'));
}

std::vector<std::string> hashes(const std::vector<BlobRef>& blobs) {
  std::vector<std::string> all;
  for (const auto& one : blobs)
    all.push_back(one.sha256());
  return all;
}

using names = std::vector<std::string>;
using readers = std::vector<document_shelf::who>;

struct shelf_test : ::testing::Test {
  document_shelf shelf{{.small = 1 * limits::mib, .large = 2 * room, .kept = 2 * large}};
  instant now{std::chrono::hours{1}};

  void stands(const std::string& hash, std::size_t bytes = large) {
    shelf.arrived(hash, bytes);
    shelf.stands(hash, made(bytes), now);
  }
};

TEST_F(shelf_test, gives_room_in_the_order_of_coming_and_no_more_than_there_is) {
  for (auto hash : {"a", "b", "c"})
    EXPECT_EQ(shelf.take(blob(hash, large), 1), nullptr);
  EXPECT_EQ(hashes(shelf.admit()), (names{"a", "b"}));
  EXPECT_LE(shelf.memory(), 2 * room);
  EXPECT_TRUE(shelf.admit().empty());
  stands("a");
  EXPECT_TRUE(shelf.admit().empty()); // it is still being read
  shelf.give_back("a", 1, now);
  EXPECT_EQ(hashes(shelf.admit()), (names{"c"}));
}

TEST_F(shelf_test, lets_small_documents_pass_large_ones_that_wait) {
  for (auto hash : {"a", "b", "c"})
    shelf.take(blob(hash, large), 1);
  shelf.admit();
  shelf.take(blob("small", 1'000), 2);
  EXPECT_EQ(hashes(shelf.admit()), (names{"small"}));
}

TEST_F(shelf_test, admits_a_document_larger_than_all_room_when_it_is_alone) {
  shelf.take(blob("a", large), 1);
  shelf.take(blob("huge", 10 * room), 2);
  EXPECT_EQ(hashes(shelf.admit()), (names{"a"}));
  stands("a");
  shelf.give_back("a", 1, now);
  EXPECT_EQ(hashes(shelf.admit()), (names{"huge"}));
}

TEST_F(shelf_test, fetches_once_what_several_want) {
  shelf.take(blob("a", large), 1);
  shelf.take(blob("a", large), 2);
  EXPECT_EQ(shelf.admit().size(), 1u);
  shelf.take(blob("a", large), 3);
  EXPECT_TRUE(shelf.admit().empty());
  EXPECT_EQ(shelf.stands("a", made(large), now), (readers{1, 2, 3}));
  EXPECT_NE(shelf.take(blob("a", large), 4), nullptr);
}

TEST_F(shelf_test, keeps_what_was_used_last_within_its_bound) {
  for (auto hash : {"a", "b", "c"}) {
    shelf.take(blob(hash, large), 1);
    shelf.admit();
    stands(hash, large - 20'000);
    shelf.give_back(hash, 1, now);
  }
  EXPECT_LE(shelf.memory(), 2 * large);
  EXPECT_EQ(shelf.take(blob("a", large), 1), nullptr);
  EXPECT_NE(shelf.take(blob("c", large), 1), nullptr);
}

TEST_F(shelf_test, drops_what_is_kept_when_others_need_the_room) {
  shelf.take(blob("a", large), 1);
  shelf.admit();
  stands("a");
  shelf.give_back("a", 1, now);
  shelf.take(blob("b", large), 1);
  shelf.take(blob("c", large), 1);
  EXPECT_EQ(shelf.admit().size(), 2u);
  EXPECT_EQ(shelf.take(blob("a", large), 1), nullptr);
}

TEST_F(shelf_test, drops_what_nobody_used_for_a_while) {
  shelf.take(blob("a", large), 1);
  shelf.admit();
  stands("a");
  EXPECT_EQ(shelf.drop_unused(now), std::nullopt); // it is in use
  shelf.give_back("a", 1, now);
  EXPECT_EQ(shelf.drop_unused(now - std::chrono::seconds{1}), now);
  EXPECT_EQ(shelf.drop_unused(now), std::nullopt);
  EXPECT_EQ(shelf.size(), 0u);
  EXPECT_EQ(shelf.memory(), 0u);
}

TEST_F(shelf_test, forgets_who_gives_up_before_there_is_room) {
  for (auto hash : {"a", "b", "c"})
    shelf.take(blob(hash, large), 1);
  shelf.admit();
  shelf.give_back("c", 1, now);
  EXPECT_EQ(shelf.size(), 2u);
  shelf.missing("a");
  EXPECT_TRUE(shelf.admit().empty());
}

TEST_F(shelf_test, fetches_again_what_was_broken_off_if_somebody_wants_it_by_now) {
  shelf.take(blob("a", large), 1);
  shelf.admit();
  shelf.give_back("a", 1, now);
  EXPECT_FALSE(shelf.wanted("a"));
  shelf.take(blob("a", large), 2);
  shelf.again("a");
  EXPECT_EQ(hashes(shelf.admit()), (names{"a"}));
  shelf.give_back("a", 2, now);
  shelf.again("a");
  EXPECT_EQ(shelf.size(), 0u);
  EXPECT_EQ(shelf.memory(), 0u);
}

TEST_F(shelf_test, leaves_nothing_of_what_cannot_be_had) {
  shelf.take(blob("a", large), 1);
  shelf.take(blob("a", large), 2);
  shelf.admit();
  EXPECT_EQ(shelf.missing("a"), (readers{1, 2}));
  EXPECT_EQ(shelf.memory(), 0u);
  EXPECT_EQ(shelf.size(), 0u);
}

} // namespace
} // namespace troupe
