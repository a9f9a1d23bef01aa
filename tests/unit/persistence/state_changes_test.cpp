#include "persistence/state_change.hpp"
#include "tests/unit/persistence/state_store_fixture.hpp"

#include <rocksdb/db.h>

#include <vector>

using namespace troupe;

namespace {

StateChange change_to(std::uint64_t version, std::uint64_t offset, std::uint64_t removed,
                      std::string inserted) {
  StateChange made;
  made.set_version(version);
  made.set_offset(offset);
  made.set_removed(removed);
  made.set_inserted(std::move(inserted));
  return made;
}

StateChange with_reply(StateChange made, std::uint64_t session, std::uint64_t number) {
  made.mutable_replied()->set_session(session);
  made.mutable_replied()->set_floor(number - 1);
  made.mutable_replied()->add_replies()->set_number(number);
  return made;
}

std::string state_of(state_store& store, std::string_view agent) {
  auto found = store.get(agent);
  return found && *found ? (*found)->state() : "nothing";
}

} // namespace

TEST(state_change, replaces_some_bytes_and_counts_on) {
  auto state = snapshot(7, 4); // hhhh
  ASSERT_TRUE(apply(change_to(8, 1, 2, "123"), state));
  EXPECT_EQ(state.state(), "h123h");
  EXPECT_EQ(state.version(), 8u);
  ASSERT_TRUE(apply(change_to(9, 5, 0, "!"), state));
  EXPECT_EQ(state.state(), "h123h!");
}

TEST(state_change, of_another_state_is_refused) {
  auto state = snapshot(7, 4);
  auto before = state.SerializeAsString();
  EXPECT_FALSE(apply(change_to(7, 0, 0, "x"), state));
  EXPECT_FALSE(apply(change_to(9, 0, 0, "x"), state));
  EXPECT_FALSE(apply(change_to(8, 5, 0, "x"), state));
  EXPECT_FALSE(apply(change_to(8, 2, 3, "x"), state));
  EXPECT_FALSE(apply(change_to(8, 2, ~std::uint64_t{0}, "x"), state));
  EXPECT_EQ(state.SerializeAsString(), before);
}

TEST(state_change, adds_its_reply_behind_those_of_the_session) {
  auto state = snapshot(7, 4);
  ASSERT_TRUE(apply(with_reply(change_to(8, 0, 0, ""), 1, 5), state));
  ASSERT_TRUE(apply(with_reply(change_to(9, 0, 0, ""), 2, 3), state));
  auto next = with_reply(change_to(10, 0, 0, ""), 1, 6);
  next.mutable_replied()->set_acknowledged(4);
  ASSERT_TRUE(apply(next, state));
  ASSERT_EQ(state.sessions_size(), 2);
  EXPECT_EQ(state.sessions(0).session(), 2u);
  const auto& last = state.sessions(1);
  EXPECT_EQ(last.session(), 1u) << "it was used last";
  EXPECT_EQ(last.floor(), 5u);
  EXPECT_EQ(last.acknowledged(), 4u);
  ASSERT_EQ(last.replies_size(), 2);
  EXPECT_EQ(last.replies(0).number(), 5u);
  EXPECT_EQ(last.replies(1).number(), 6u);
}

TEST_F(state_stores, both_kinds_keep_changes_beside_a_snapshot) {
  auto disk = open();
  auto memory = make_memory_state_store();
  std::string one(32, '1'), two(32, '2'), three(32, '3');
  for (auto* store : {disk.get(), memory.get()}) {
    EXPECT_EQ(store->put("a/1", change_to(1, 0, 0, "x")).error().code, ec::storage_failed)
        << "there is nothing to change";
    ASSERT_TRUE(store->put("a/1", snapshot(1, 4), std::vector{one, two}));
    auto change = change_to(2, 0, 1, "new");
    change.add_blobs_named(three);
    change.add_blobs_forgotten(one);
    auto released = store->put("a/1", change);
    ASSERT_TRUE(released);
    EXPECT_EQ(*released, std::vector{one});
    EXPECT_TRUE(store->put("a/1", change_to(3, 6, 0, "!")));
    EXPECT_EQ(store->put("a/1", change_to(3, 0, 0, "x")).error().code, ec::storage_failed);
    EXPECT_EQ(store->put("a/1", change_to(5, 0, 0, "x")).error().code, ec::storage_failed);
    EXPECT_EQ(state_of(*store, "a/1"), "newbbb!");
    EXPECT_EQ(version_of(*store, "a/1"), 3u);
    EXPECT_FALSE(*store->names(one));
    EXPECT_TRUE(*store->names(two) && *store->names(three));
    EXPECT_EQ(*store->count(), 1u);
  }
  for (int round = 0; round < 2; ++round) {
    disk.reset();
    disk = open(); // what it adds up to is checked
    ASSERT_TRUE(disk);
    EXPECT_EQ(state_of(*disk, "a/1"), "newbbb!");
  }
  for (auto* store : {disk.get(), memory.get()}) {
    auto released = store->put("a/1", snapshot(4, 2), std::vector{two});
    ASSERT_TRUE(released);
    EXPECT_EQ(*released, std::vector{three}) << "of a change";
    EXPECT_EQ(state_of(*store, "a/1"), "ee");
    ASSERT_TRUE(store->put("a/1", change_to(5, 2, 0, "5")));
    EXPECT_EQ(state_of(*store, "a/1"), "ee5") << "the changes before are gone";
  }
}

TEST_F(state_stores, changes_are_there_after_a_crash) {
  crash_after([](state_store& store) {
    bool fine = bool(store.put("a/1", snapshot(1, 10'000)));
    for (std::uint64_t version = 2; fine && version <= 300; ++version)
      fine = bool(store.put("a/1", change_to(version, 0, 0, "x")));
    return fine;
  });
  auto store = open();
  ASSERT_TRUE(store);
  EXPECT_EQ(state_of(*store, "a/1"), std::string(299, 'x') + std::string(10'000, 'b'));
}

TEST_F(state_stores, a_change_of_a_large_state_writes_only_itself) {
  auto store = open();
  ASSERT_TRUE(store && store->put("a/1", snapshot(1, limits::mib)));
  ASSERT_TRUE(store->put("a/1", change_to(2, limits::mib, 0, "first")));
  auto log = largest_file(".log");
  auto before = std::filesystem::file_size(log);
  ASSERT_TRUE(store->put("a/1", change_to(3, 0, 0, "second")));
  EXPECT_LT(std::filesystem::file_size(log) - before, 1'000u);
}

TEST_F(state_stores, a_change_that_is_missing_or_another_is_damage) {
  {
    auto store = open();
    ASSERT_TRUE(store && store->put("a/1", snapshot(1)) && store->put("a/2", snapshot(1)));
    for (const auto* agent : {"a/1", "a/2"})
      for (std::uint64_t version = 2; version <= 4; ++version)
        ASSERT_TRUE(store->put(agent, change_to(version, 0, 0, "x")));
  }
  {
    rocksdb::DB* db = nullptr;
    ASSERT_TRUE(rocksdb::DB::Open({}, (folder / "state").string(), &db).ok());
    std::unique_ptr<rocksdb::DB> owned(db);
    auto row = [](char number, const std::string& agent) {
      return std::string{"c"} + number + std::string(3, '\0') + agent;
    };
    std::string bytes;
    ASSERT_TRUE(db->Get({}, row(2, "a/1"), &bytes).ok());
    ASSERT_TRUE(db->Delete({}, row(2, "a/1")).ok());
    ASSERT_TRUE(db->Get({}, row(3, "a/2"), &bytes).ok());
    auto other = change_to(4, 0, 0, "y");
    ASSERT_TRUE(db->Put({}, row(3, "a/2"), other.SerializeAsString()).ok());
  }
  auto store = open();
  ASSERT_TRUE(store);
  for (const auto* agent : {"a/1", "a/2"}) {
    auto found = store->get(agent);
    ASSERT_FALSE(found) << agent;
    EXPECT_EQ(found.error().code, ec::storage_failed);
  }
}
