// Journals whose files were changed: damage is found, or what is read is right.

#include "persistence/journal/journal_keys.hpp"
#include "persistence/journal/journal_record.hpp"

#include "tests/unit/journal/journal_fixture.hpp"

#include <rocksdb/db.h>

#include <cstdlib>
#include <functional>
#include <random>

using namespace troupe;

namespace {

class damaged_journals : public journals {
protected:
  /// Changes rows behind the journal's back.
  void change(const std::function<void(rocksdb::DB&)>& how) {
    rocksdb::DB* raw = nullptr;
    rocksdb::Options options;
    options.enable_blob_files = true;
    ASSERT_TRUE(rocksdb::DB::Open(options, place().string(), &raw).ok());
    std::unique_ptr<rocksdb::DB> db(raw);
    how(*db);
  }
  static std::string row(rocksdb::DB& db, const std::string& key) {
    std::string value;
    EXPECT_TRUE(db.Get({}, key, &value).ok());
    return value;
  }
  /// A run that goes on with three records, and one with three that has ended.
  void write_two_runs() {
    auto store = open();
    ASSERT_TRUE(append(*store, {{a, began()}, {a, succeeded(1)}, {a, succeeded(2)}}));
    ASSERT_TRUE(append(*store, {{b, began()}, {b, succeeded(1)}, {b, finished(1)}}));
  }
  std::vector<std::filesystem::path> files() const {
    std::vector<std::filesystem::path> found;
    for (const auto& entry : std::filesystem::directory_iterator(place()))
      if (entry.file_size() > 0)
        found.push_back(entry.path());
    std::sort(found.begin(), found.end());
    return found;
  }

  static journal_options small_files() {
    journal_options made;
    made.adjust = [](rocksdb::Options& options) {
      options.write_buffer_size = 32 << 10;
      options.arena_block_size = 4 << 10;
      options.disable_auto_compactions = true;
    };
    return made;
  }
  /// Writes a journal with files of each kind: tables, blob files, a log, and a list that has
  /// grown. Returns the events of each run.
  std::map<std::string, std::vector<std::string>> write_many_files() {
    std::map<std::string, std::vector<std::string>> written;
    auto store = open(small_files());
    for (unsigned i = 0; i < 500; ++i) {
      auto run = run_called(i % 25);
      auto& events = written[run];
      auto event = events.empty()      ? began("key " + run, 7, i % 25)
                   : i >= 475 && i % 2 ? finished(i)
                   : i % 100 == 60     ? succeeded(i, std::string(80'000, 'p'))
                                       : succeeded(i, std::string(i % 400, 'x'));
      events.push_back(event);
      auto how = i % 8 == 0 ? journal_write::synced : journal_write::unsynced;
      EXPECT_TRUE(append(*store, {{run, event}}, how));
    }
    EXPECT_TRUE(store->sync());
    return written;
  }
  /// Flips a bit of a file or cuts it. Returns which and where.
  std::string damage_one_file(std::mt19937_64& random) {
    auto all = files();
    auto file = all[random() % all.size()];
    auto bytes = bytes_of(file);
    auto at = random() % bytes.size();
    bool cuts = random() % 3 == 0;
    if (cuts)
      bytes.resize(at);
    else
      bytes[at] = static_cast<char>(bytes[at] ^ (1 << random() % 8));
    write(file, bytes);
    return file.filename().string() + (cuts ? " cut at " : " flipped at ") + std::to_string(at);
  }
  /// Reads all; what is not an error must be right.
  static bool finds_damage(journal_store& store,
                           const std::map<std::string, std::vector<std::string>>& written) {
    bool found = false;
    for (const auto& [run, events] : written) {
      auto read = events_of(store, run, 10'000);
      found |= !read;
      EXPECT_TRUE(!read || *read == events) << to_hex(run);
      auto by_key = store.find("default", "key " + run);
      found |= !by_key;
      EXPECT_TRUE(!by_key || *by_key == run) << to_hex(run);
    }
    auto ended = store.ended(RUN_ANY, "", 100);
    EXPECT_TRUE(!ended || ended->runs_size() == 13);
    return found || !ended;
  }
};

} // namespace

TEST_F(damaged_journals, a_record_that_is_changed_missing_doubled_or_moved_is_found) {
  using namespace journal_keys;
  std::vector<std::function<void(rocksdb::DB&)>> changes{
      [](rocksdb::DB& db) { db.Delete({}, record(1, 1)); },
      [](rocksdb::DB& db) { db.Delete({}, record(1, 2)); },
      [](rocksdb::DB& db) { db.Put({}, record(1, 4), row(db, record(1, 3))); },
      [](rocksdb::DB& db) { db.Put({}, record(1, 2), row(db, record(2, 2))); },
      [](rocksdb::DB& db) {
        auto changed = row(db, record(1, 2));
        changed.back() ^= 1;
        db.Put({}, record(1, 2), changed);
      },
      [](rocksdb::DB& db) { db.Put({}, record(1, 2), "\x07 of a later format"); },
      [](rocksdb::DB& db) { db.Delete({}, head(a)); },
      [](rocksdb::DB& db) { db.Put({}, head(a), "x"); },
      [](rocksdb::DB& db) { db.Put({}, state, "\x02"); },
  };
  for (std::size_t i = 0; i < changes.size(); ++i) {
    std::filesystem::remove_all(place());
    write_two_runs();
    change(changes[i]);
    EXPECT_EQ(opening_failure().code, ec::bad_message) << i;
  }
}

TEST_F(damaged_journals, damage_of_a_run_that_has_ended_is_found_when_it_is_read) {
  using namespace journal_keys;
  for (std::uint64_t number = 1; number <= 3; ++number) {
    std::filesystem::remove_all(place());
    write_two_runs();
    change([&](rocksdb::DB& db) { db.Delete({}, record(2, number)); });
    auto store = open();
    EXPECT_EQ(code_of_read(events_of(*store, b)), ec::bad_message) << number;
    EXPECT_TRUE(events_of(*store, a));
  }
}

TEST_F(damaged_journals, a_writer_that_had_lost_its_right_to_write_is_found) {
  write_two_runs();
  open();
  change([](rocksdb::DB& db) {
    auto bytes = row(db, journal_keys::record(1, 2));
    auto before = *decode_record(row(db, journal_keys::record(1, 1)).substr());
    auto record = *decode_record(bytes);
    record.token = 0;
    record.chain = chain_of(record, 2, before.chain);
    db.Put({}, journal_keys::record(1, 2), encode(record));
    auto last = row(db, journal_keys::record(1, 3));
    auto third = *decode_record(last);
    third.chain = chain_of(third, 3, record.chain);
    db.Put({}, journal_keys::record(1, 3), encode(third));
  });
  auto why = opening_failure();
  EXPECT_EQ(why.code, ec::bad_message);
  EXPECT_NE(why.message.find("right to write"), std::string::npos) << why.message;
}

TEST_F(damaged_journals, a_log_that_lost_its_end_is_named_with_the_offset) {
  write_two_runs();
  std::filesystem::path log;
  for (const auto& file : files())
    if (file.extension() == ".log")
      log = file;
  auto bytes = bytes_of(log);
  bytes[bytes.size() - 10] ^= 1;
  write(log, bytes);
  auto why = opening_failure();
  EXPECT_EQ(why.code, ec::bad_message);
  EXPECT_NE(why.message.find(log.string()), std::string::npos) << why.message;
  EXPECT_NE(why.message.find("offset "), std::string::npos) << why.message;
}

TEST_F(damaged_journals, a_journal_that_was_there_and_is_gone_is_damage) {
  write_two_runs();
  std::filesystem::remove_all(place());
  journal_options options;
  options.must_exist = true;
  auto gone = open_journal(place(), options);
  ASSERT_FALSE(gone);
  EXPECT_EQ(gone.error().code, ec::bad_message);
}

TEST_F(damaged_journals, one_bit_flipped_or_a_file_cut_is_found_or_changes_nothing) {
  auto written = write_many_files();
  auto healthy = folder / "healthy";
  std::filesystem::rename(place(), healthy);
  auto wanted = std::getenv("TROUPE_JOURNAL_SEEDS");
  auto seeds = wanted ? std::strtoull(wanted, nullptr, 10) : 200;
  std::uint64_t found = 0;
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    std::mt19937_64 random(seed);
    std::filesystem::remove_all(place());
    std::filesystem::copy(healthy, place());
    SCOPED_TRACE("seed " + std::to_string(seed) + ": " + damage_one_file(random));
    auto store = open_journal(place(), small_files());
    found += !store || finds_damage(**store, written);
  }
  EXPECT_GT(found, seeds / 4);
  RecordProperty("found", std::to_string(found));
}
