#include "tests/unit/journal/journal_fixture.hpp"

#include <rocksdb/db.h>

#include <memory>
#include <string>
#include <vector>

/// Which blobs the inputs of runs name.
namespace troupe {
namespace {

const std::string x(32, 'x'), y(32, 'y'), z(32, 'z');

std::string began_with(const std::vector<std::string>& hashes) {
  RunEvent event;
  auto& inputs = *event.mutable_began()->mutable_inputs();
  auto& documents =
      *(*inputs["folder"].mutable_map()->mutable_fields())["documents"].mutable_list();
  for (const auto& hash : hashes)
    documents.add_items()->mutable_blob()->set_sha256(hash);
  return event.SerializeAsString();
}

class journal_blobs : public journals {
protected:
  std::vector<std::unique_ptr<journal_store>> both() {
    std::vector<std::unique_ptr<journal_store>> made;
    made.push_back(open());
    made.push_back(make_memory_journal(make_journal_medium()));
    return made;
  }
  static std::string named(journal_store& store) {
    std::string all;
    for (const auto& hash : {x, y, z})
      if (*store.names_blob(hash))
        all += hash[0];
    return all;
  }
  static std::string released(journal_store& store) {
    std::string all;
    for (const auto& hash : store.take_released_blobs())
      all += hash[0];
    return all;
  }
};

TEST_F(journal_blobs, are_named_until_the_last_run_that_names_them_is_forgotten) {
  for (auto& store : both()) {
    EXPECT_EQ(named(*store), "");
    ASSERT_TRUE(append(*store, {{a, began_with({x, y})}, {b, began_with({y, z})}}));
    EXPECT_EQ(named(*store), "xyz");
    ASSERT_TRUE(append(*store, {{a, finished(10)}, {b, finished(20)}}));
    EXPECT_EQ(named(*store), "xyz") << "for the time that they are kept";
    EXPECT_EQ(released(*store), "");
    EXPECT_EQ(*store->remove(a), journal_removal::removed);
    EXPECT_EQ(named(*store), "yz");
    EXPECT_EQ(released(*store), "x");
    EXPECT_EQ(released(*store), "") << "told once";
    EXPECT_EQ(*store->cut(100, 10), 1u);
    EXPECT_EQ(named(*store), "");
    EXPECT_EQ(released(*store), "yz");
  }
}

TEST_F(journal_blobs, of_runs_that_are_cut_together_are_released_together) {
  for (auto& store : both()) {
    ASSERT_TRUE(append(*store, {{a, began_with({x, y})},
                                {b, began_with({y})},
                                {c, began_with({z})},
                                {a, finished(10)},
                                {b, finished(20)}}));
    EXPECT_EQ(*store->cut(100, 10), 2u);
    EXPECT_EQ(named(*store), "z");
    EXPECT_EQ(released(*store), "xy");
  }
}

TEST_F(journal_blobs, are_named_after_a_restart) {
  ASSERT_TRUE(append(*open(), {{a, began_with({x})}}));
  EXPECT_EQ(named(*open()), "x");
}

/// Version 0.1 wrote the same journal without the rows that name blobs.
TEST_F(journal_blobs, of_runs_of_an_earlier_version_are_found_in_its_events) {
  ASSERT_TRUE(append(*open(), {{a, began_with({x, y})}, {b, began_with({z})}, {b, finished(10)}}));
  {
    rocksdb::Options options;
    options.wal_recovery_mode = rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
    options.track_and_verify_wals_in_manifest = true;
    options.enable_blob_files = true;
    rocksdb::DB* opened = nullptr;
    ASSERT_TRUE(rocksdb::DB::Open(options, place().string(), &opened).ok());
    std::unique_ptr<rocksdb::DB> rows{opened};
    for (std::string prefix : {"d", "f", "m"}) {
      std::string behind(1, static_cast<char>(prefix[0] + 1));
      ASSERT_TRUE(rows->DeleteRange({}, rows->DefaultColumnFamily(), prefix, behind).ok());
    }
  }
  std::filesystem::remove(place() / "LISTED"); // RocksDB has changed the list of files
  auto store = open();
  ASSERT_TRUE(store);
  EXPECT_EQ(named(*store), "xyz");
  EXPECT_EQ(*store->remove(b), journal_removal::removed);
  EXPECT_EQ(released(*store), "z");
}

} // namespace
} // namespace troupe
