// RocksDB's list of its files with an end that nobody wrote: of a power loss, or of damage.

#include "persistence/state_store.hpp"

#include "tests/unit/journal/journal_fixture.hpp"

#include <string>

using namespace troupe;

namespace {

class torn_manifests : public journals {
protected:
  static std::filesystem::path list_in(const std::filesystem::path& store) {
    auto current = bytes_of(store / "CURRENT");
    return store / current.substr(0, current.size() - 1);
  }
  /// A record of 20 bytes with a checksum that is not its own.
  static std::string garbage() {
    return "\x5a\x5a\x5a\x5a" + std::string{"\x14\0\x01", 3} + std::string(500, '\x5a');
  }

  std::filesystem::path states() const { return folder / "state"; }
  /// An agent's state, alone in a table: its log is gone.
  void write_state() {
    Snapshot made;
    made.set_role("librarian");
    made.set_version(1);
    made.set_state("something");
    for (int lives = 0; lives < 2; ++lives) { // the second one makes a table of the log
      auto store = open_state_store(states());
      ASSERT_TRUE(store) << store.error().message;
      if (lives == 0) {
        ASSERT_TRUE((*store)->put("librarian/ann", made, {}));
      }
    }
  }
};

TEST_F(torn_manifests, of_states_are_cut_where_they_can_be_read) {
  write_state();
  auto list = list_in(states());
  write(list, bytes_of(list) + garbage());
  auto store = open_state_store(states());
  ASSERT_TRUE(store) << store.error().message;
  auto found = (*store)->get("librarian/ann");
  ASSERT_TRUE(found && *found);
  EXPECT_EQ((*found)->state(), "something");
}

TEST_F(torn_manifests, of_states_stay_as_they_are_if_what_is_before_is_not_whole) {
  write_state();
  auto list = list_in(states());
  auto damaged = bytes_of(list);
  damaged.resize(damaged.size() - 20); // the last record names the table
  damaged += garbage();
  write(list, damaged);
  for (int times = 0; times < 2; ++times) {
    auto store = open_state_store(states());
    ASSERT_FALSE(store);
    EXPECT_EQ(store.error().code, ec::bad_message) << store.error().message;
    EXPECT_EQ(bytes_of(list), damaged) << "a person can still look at it";
  }
}

/// The runs have ended, so that none of them is looked at when the journal is opened.
TEST_F(torn_manifests, of_journals_stay_as_they_are_if_a_table_is_not_listed_any_more) {
  for (int lives = 0; lives < 2; ++lives) { // the second one makes a table of the log
    auto store = open();
    if (lives == 0) {
      ASSERT_TRUE(append(*store, {{a, began()}, {a, finished(1)}, {b, began()}, {b, finished(2)}}));
    }
  }
  std::filesystem::remove(place() / "LISTED");       // it is never synced,
  std::filesystem::remove(place() / "ACKNOWLEDGED"); // nor is this
  auto list = list_in(place());
  auto damaged = bytes_of(list);
  damaged.resize(damaged.size() - 20);
  damaged += garbage();
  write(list, damaged);
  EXPECT_EQ(opening_failure().code, ec::bad_message);
  EXPECT_EQ(bytes_of(list), damaged) << "a person can still look at it";
  std::size_t tables = 0;
  for (const auto& entry : std::filesystem::directory_iterator(place()))
    tables += entry.path().extension() == ".sst";
  EXPECT_EQ(tables, 1u) << "nothing is deleted";
  EXPECT_FALSE(std::filesystem::exists(place().string() + ".examined"));
}

TEST_F(torn_manifests, of_journals_are_cut_where_they_can_be_read) {
  {
    auto store = open();
    ASSERT_TRUE(append(*store, {{a, began()}, {a, succeeded(1)}}));
  }
  auto list = list_in(place());
  write(list, bytes_of(list) + garbage());
  auto store = open();
  ASSERT_TRUE(store);
  auto found = events_of(*store, a);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->size(), 2u);
}

} // namespace
