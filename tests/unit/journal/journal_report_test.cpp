#include "persistence/journal/journal_report.hpp"

#include "persistence/journal/journal_keys.hpp"

#include "tests/unit/journal/journal_fixture.hpp"

#include <rocksdb/db.h>

using namespace troupe;

namespace {

class journal_reports : public journals {
protected:
  /// Two runs that have ended, and one that goes on.
  void write_three_runs() {
    auto store = open();
    ASSERT_TRUE(append(*store, {{a, began("key", 7, 1)},
                                {a, succeeded(1, std::string(100'000, 'x'))},
                                {b, began()},
                                {b, succeeded(1)},
                                {b, succeeded(2)},
                                {a, finished(10)},
                                {c, began()},
                                {c, succeeded(1)},
                                {b, finished(20, RUN_FAILED)}}));
  }
  void remove_row(const std::string& key) {
    rocksdb::DB* raw = nullptr;
    rocksdb::Options options;
    options.enable_blob_files = true;
    ASSERT_TRUE(rocksdb::DB::Open(options, place().string(), &raw).ok());
    std::unique_ptr<rocksdb::DB> db(raw);
    ASSERT_TRUE(db->Delete({}, key).ok());
  }
  std::filesystem::path log() const {
    for (const auto& entry : std::filesystem::directory_iterator(place()))
      if (entry.path().extension() == ".log" && entry.file_size() > 0)
        return entry.path();
    return {};
  }
};

} // namespace

TEST_F(journal_reports, a_whole_journal_is_told_event_by_event_and_left_as_it_is) {
  write_three_runs();
  auto before = bytes_of(log());
  std::map<std::string, std::vector<std::string>> seen;
  auto report = inspect_journal(place(), [&](auto run, auto number, const std::string& event) {
    auto& events = seen[std::string{run}];
    events.push_back(event);
    EXPECT_EQ(number, events.size());
  });
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->runs, 3u);
  EXPECT_EQ(report->open, 1u);
  EXPECT_EQ(report->records, 9u);
  EXPECT_GT(report->bytes, 100'000u);
  EXPECT_TRUE(report->damage.empty());
  EXPECT_EQ(seen[b], (std::vector<std::string>{began(), succeeded(1), succeeded(2),
                                               finished(20, RUN_FAILED)}));
  EXPECT_EQ(bytes_of(log()), before);
  EXPECT_EQ(inspect_journal(folder / "none").error().code, ec::not_found);
}

TEST_F(journal_reports, damage_is_told_with_its_file_and_offset) {
  write_three_runs();
  auto file = log();
  auto bytes = bytes_of(file);
  auto at = bytes.size() - 10;
  bytes[at] ^= 1;
  write(file, bytes);
  auto report = inspect_journal(place());
  ASSERT_TRUE(report);
  ASSERT_FALSE(report->damage.empty());
  const auto& damage = report->damage.front();
  EXPECT_EQ(damage.file, file) << damage.what;
  ASSERT_TRUE(damage.offset);
  EXPECT_LE(*damage.offset, at);
}

TEST_F(journal_reports, what_is_whole_is_brought_into_a_new_journal) {
  write_three_runs();
  remove_row(journal_keys::record(2, 2)); // of b
  remove_row(journal_keys::head(c));
  auto report = salvage_journal(place(), folder / "new");
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->runs, 2u);
  EXPECT_EQ(report->runs_cut, 1u);
  EXPECT_EQ(report->runs_unknown, 1u);
  EXPECT_EQ(report->damage.size(), 1u);
  auto store = open_journal(folder / "new");
  ASSERT_TRUE(store);
  EXPECT_EQ(events_of(**store, a)->size(), 3u);
  EXPECT_EQ(*(*store)->find("default", "key"), a);
  auto cut = *events_of(**store, b);
  ASSERT_EQ(cut.size(), 2u) << "its beginning and its end";
  EXPECT_EQ(cut.front(), began());
  auto ended = (*store)->ended(RUN_FAILED, "", 10);
  ASSERT_TRUE(ended);
  ASSERT_EQ(ended->runs_size(), 1);
  EXPECT_EQ(ended->runs(0).ended_ms(), 20);
  EXPECT_TRUE((*store)->open_runs()->empty()) << "a run that had ended does not go on";
  auto again = salvage_journal(place(), folder / "new");
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, ec::invalid_argument);
}

TEST_F(journal_reports, a_journal_of_the_first_version_is_read_and_goes_on) {
  std::filesystem::copy(std::filesystem::path{TROUPE_SOURCE_DIR} / "tests/data/journal-1", place());
  auto store = open();
  ASSERT_TRUE(store);
  EXPECT_EQ(*store->open_runs(), std::vector<std::string>{c});
  EXPECT_EQ(*events_of(*store, a),
            (std::vector<std::string>{began("key", 7, 1), succeeded(1, std::string(100'000, 'x')),
                                      finished(10)}));
  EXPECT_EQ(*events_of(*store, c), (std::vector<std::string>{began(), succeeded(1)}));
  EXPECT_EQ(*store->find("default", "key"), a);
  EXPECT_EQ(*store->find(7, 1), a);
  ASSERT_TRUE(append(*store, {{c, succeeded(2)}}));
  EXPECT_EQ(*store->cut(15, 10), 1u);
  EXPECT_EQ(store->ended(RUN_ANY, "", 10)->runs_size(), 1);
}
