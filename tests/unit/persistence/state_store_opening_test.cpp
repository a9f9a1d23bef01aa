#include "tests/unit/persistence/state_store_fixture.hpp"

#include <rocksdb/db.h>

#include <span>
#include <vector>

using namespace troupe;

TEST_F(state_stores, a_store_has_one_user) {
  auto store = open();
  ASSERT_TRUE(store);
  auto second = open_state_store(folder / "state");
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ec::refused) << second.error().message;
  EXPECT_NE(second.error().message.find("another process"), std::string::npos);
}

TEST_F(state_stores, both_kinds_know_which_blobs_are_named_without_loading_anybody) {
  auto disk = open();
  auto memory = make_memory_state_store();
  std::string one(32, '1'), two(32, '2'), three(32, '3');
  for (auto* store : {disk.get(), memory.get()}) {
    EXPECT_FALSE(*store->names(one));
    ASSERT_TRUE(store->put("a/1", snapshot(1), std::vector{two, one, one}));
    ASSERT_TRUE(store->put("a/2", snapshot(1), std::vector{two}));
    EXPECT_TRUE(*store->names(one) && *store->names(two));
    EXPECT_FALSE(*store->names(three));
    EXPECT_TRUE(store->knows_names());
    auto released = store->put("a/1", snapshot(2), std::vector{three});
    ASSERT_TRUE(released);
    EXPECT_EQ(*released, (std::vector{one, two}));
    EXPECT_FALSE(*store->names(one));
    EXPECT_TRUE(*store->names(two)) << "of a/2";
    EXPECT_TRUE(*store->names(three));
    EXPECT_TRUE(store->put("a/1", snapshot(3), std::vector{three})->empty());
  }
  disk.reset();
  crash_after([&](state_store& store) {
    return *store.names(two) && *store.names(three) && !*store.names(one)
           && store.put("a/2", snapshot(9));
  });
  disk = open();
  ASSERT_TRUE(disk);
  EXPECT_FALSE(*disk->names(two));
}

TEST_F(state_stores, both_kinds_write_many_states_at_once) {
  auto disk = open();
  auto memory = make_memory_state_store();
  std::vector one{std::string(32, '1')}, two{std::string(32, '2')}, three{std::string(32, '3')};
  auto first = snapshot(1), second = snapshot(2);
  auto put = [](state_store& store, const std::vector<state_write>& many) {
    return store.put(std::span<const state_write>{many});
  };
  for (auto* store : {disk.get(), memory.get()}) {
    ASSERT_TRUE(put(*store, {{"a/1", first, one}, {"a/2", first, two}, {"a/3", first}}));
    auto released = put(*store, {{"a/1", second, three}, {"a/2", second}});
    ASSERT_TRUE(released);
    EXPECT_EQ(*released, (std::vector{one[0], two[0]}));
    EXPECT_EQ(*store->count(), 3u);
    EXPECT_FALSE(*store->names(one[0]) || *store->names(two[0]));
    EXPECT_TRUE(*store->names(three[0]));
    auto found = store->get("a/2");
    ASSERT_TRUE(found && *found);
    EXPECT_EQ((*found)->version(), second.version());
  }
  std::vector<std::string> short_hash{"short"};
  auto refused = put(*disk, {{"a/4", first}, {"a/5", first, short_hash}});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ec::invalid_argument);
  EXPECT_EQ(*disk->count(), 3u) << "all or none";
  disk.reset();
  disk = open(); // what it adds up to is checked
  ASSERT_TRUE(disk);
  EXPECT_EQ(*disk->count(), 3u);
}

TEST_F(state_stores, states_of_a_version_that_did_not_say_what_they_name_are_known_as_such) {
  ASSERT_TRUE(open()->put("a/1", snapshot(1), std::vector{std::string(32, '1')}));
  {
    // Rows as the first version wrote them.
    rocksdb::DB* db = nullptr;
    ASSERT_TRUE(rocksdb::DB::Open({}, (folder / "state").string(), &db).ok());
    std::unique_ptr<rocksdb::DB> owned(db);
    std::string sum;
    ASSERT_TRUE(db->Get({}, "l", &sum).ok());
    ASSERT_EQ(sum.size(), 40u);
    ASSERT_TRUE(db->Put({}, "l", sum.substr(0, 24)).ok());
    ASSERT_TRUE(db->Delete({}, "v").ok());
    ASSERT_TRUE(db->Delete({}, "ra/1").ok());
    ASSERT_TRUE(db->Delete({}, "b" + std::string(32, '1') + "a/1").ok());
  }
  auto store = open();
  ASSERT_TRUE(store);
  EXPECT_EQ(version_of(*store, "a/1"), 1u);
  EXPECT_FALSE(store->knows_names());
  ASSERT_TRUE(store->put("a/1", snapshot(2), std::vector{std::string(32, '2')}));
  store.reset();
  EXPECT_FALSE(open()->knows_names()) << "others may be old still";
}

TEST_F(state_stores, a_folder_whose_store_is_gone_is_no_new_one) {
  state_store_options options;
  options.must_exist = true;
  for (bool mounted : {false, true}) {
    if (mounted)
      std::filesystem::create_directory(folder / "state");
    auto store = open_state_store(folder / "state", options);
    ASSERT_FALSE(store);
    EXPECT_EQ(store.error().code, ec::bad_message);
    EXPECT_NE(store.error().message.find("is gone"), std::string::npos);
    EXPECT_NE(store.error().message.find("mount"), std::string::npos);
  }
  std::filesystem::remove(folder / "state");
  ASSERT_TRUE(open()->put("a/1", snapshot(1)));
  EXPECT_TRUE(open_state_store(folder / "state", options));
}

TEST_F(state_stores, what_another_version_wrote_is_not_called_damage_to_be_removed) {
  ASSERT_TRUE(open()->put("a/1", snapshot(1)));
  {
    rocksdb::DB* db = nullptr;
    ASSERT_TRUE(rocksdb::DB::Open({}, (folder / "state").string(), &db).ok());
    rocksdb::ColumnFamilyHandle* more = nullptr;
    ASSERT_TRUE(db->CreateColumnFamily({}, "of-a-later-version", &more).ok());
    db->DestroyColumnFamilyHandle(more);
    delete db;
  }
  auto why = opening_failure();
  EXPECT_EQ(why.code, ec::bad_message);
  EXPECT_NE(why.message.find("another one"), std::string::npos) << why.message;
  EXPECT_EQ(why.message.find("remove"), std::string::npos) << why.message;
}

TEST_F(state_stores, with_too_little_room_it_is_read_and_written_again_when_there_is_some) {
  ASSERT_TRUE(open()->put("a/1", snapshot(1)));
  for (std::uint64_t free : {std::uint64_t{0}, limits::disk_free_bytes_last + 1}) {
    state_store_options options;
    std::uint64_t there = free;
    options.free_space = [&](const std::filesystem::path&) -> result<std::uint64_t> {
      return there;
    };
    auto store = open_state_store(folder / "state", options);
    ASSERT_TRUE(store) << store.error().message;
    auto before = version_of(**store, "a/1");
    EXPECT_GE(before, 1u);
    auto refused = (*store)->put("a/1", snapshot(before + 1));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ec::storage_failed);
    EXPECT_NE(refused.error().message.find("full"), std::string::npos);
    EXPECT_FALSE((*store)->broken());
    there = 2 * limits::disk_free_bytes_min;
    EXPECT_TRUE((*store)->put("a/1", snapshot(before + 1)));
    EXPECT_EQ(version_of(**store, "a/1"), before + 1);
  }
}

TEST_F(state_stores, a_place_where_no_folder_can_be_is_an_error) {
  write(folder / "file", "x");
  auto store = open_state_store(folder / "file" / "state");
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().code, ec::storage_failed);
}
