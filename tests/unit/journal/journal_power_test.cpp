// Journals on a disk that loses its power or fails.

#include "tests/unit/journal/bad_disks.hpp"
#include "tests/unit/journal/journal_fixture.hpp"

#include <array>
#include <random>

using namespace troupe;

namespace {

constexpr unsigned runs_written = 5;

/// What a writer was told before its journal failed.
struct told {
  std::array<std::uint64_t, runs_written> acknowledged{}; ///< events of each run
  std::array<std::uint64_t, runs_written> written{};      ///< those that it tried to write included
  bool reached = false;
  bool acknowledged_after_failure = false;
};

/// The events of a run, known from their numbers.
std::string event_of(unsigned run, std::uint64_t number) {
  if (number == 1)
    return began("key " + std::to_string(run), 7, run);
  auto bytes = (run * 7 + number * 13) % 50;
  if ((run + number) % 29 == 0)
    bytes = 70'000; // a payload of its own
  else if ((run + number) % 7 == 0)
    bytes = 3'000;
  return succeeded(static_cast<std::uint32_t>(number),
                   std::string(bytes, static_cast<char>('a' + (run + number) % 26)));
}

class journals_on_bad_disks : public stores_on_bad_disks {
protected:
  /// Appends in batches until all are written or one fails; then tries a few more.
  static void write_runs(journal_store& store, std::mt19937_64& random, int batches, told& tell) {
    auto& written = tell.written;
    for (int i = 0, failures = 0; i < batches && failures < 3; ++i) {
      std::vector<run_and_event> entries;
      for (auto many = 1 + random() % 4; many > 0; --many) {
        auto run = static_cast<unsigned>(random() % runs_written);
        entries.emplace_back(run_called(run), event_of(run, ++written[run]));
      }
      bool synced = random() % 3 != 0;
      bool done =
          bool(append(store, entries, synced ? journal_write::synced : journal_write::unsynced));
      if (done && !synced && random() % 2 == 0)
        synced = done = bool(store.sync());
      failures += !done;
      if (done && failures > 0)
        tell.acknowledged_after_failure = true;
      if (done && synced)
        tell.acknowledged = written;
      if (!done && !store.broken())
        return; // nothing was tried: the numbers would not fit any more
    }
  }

  /// Opens the journal on such a disk and writes. The disk stays: a journal that failed is never
  /// closed, and its database may still use it.
  void write_on(unreliable_disk::end how, std::uint64_t at, std::uint64_t seed, int batches) {
    auto& disk = new_disk(how, at);
    std::mt19937_64 random(seed);
    journal_options options;
    options.adjust = [&](rocksdb::Options& made) {
      make_small(made);
      made.env = disk.env();
    };
    auto store = open_journal(folder / "journal", options);
    if (store)
      write_runs(**store, random, batches, tells);
    tells.reached = disk.reached();
    disk.lose_power(); // a process that ended writes nothing more
    if (store)
      store->reset();
    if (how == unreliable_disk::end::power_lost)
      disk.take_unsynced(random);
  }

  /// What was acknowledged is there, what is there was written, and nothing is missing between.
  void check(const std::string& where) {
    SCOPED_TRACE(where);
    journal_options options;
    options.adjust = make_small;
    auto store = open_journal(folder / "journal", options);
    ASSERT_TRUE(store) << store.error().message;
    ASSERT_FALSE(tells.acknowledged_after_failure);
    for (unsigned run = 0; run < runs_written; ++run) {
      auto read = events_of(**store, run_called(run), 100'000);
      ASSERT_TRUE(read) << read.error().message;
      ASSERT_GE(read->size(), tells.acknowledged[run]) << "run " << run;
      ASSERT_LE(read->size(), tells.written[run]) << "run " << run;
      for (std::size_t i = 0; i < read->size(); ++i)
        ASSERT_EQ((*read)[i], event_of(run, i + 1)) << "run " << run << ", event " << i + 1;
      auto found = (*store)->find(7, run);
      ASSERT_TRUE(found);
      ASSERT_EQ(found->has_value(), !read->empty());
      tells.acknowledged[run] = tells.written[run] = read->size();
    }
  }

  told tells;
};

} // namespace

TEST_F(journals_on_bad_disks, a_power_loss_takes_nothing_that_was_acknowledged) {
  std::uint64_t lost = 0, events = 0;
  for (std::uint64_t seed = 1; seed <= seeds(100); ++seed) {
    std::mt19937_64 random(seed);
    std::filesystem::remove_all(folder / "journal");
    tells = {};
    // Some twice in a row: the second life meets what the first one has left.
    for (auto lives = seed % 4 == 0 ? 2 : 1; lives > 0; --lives) {
      write_on(unreliable_disk::end::power_lost, 20 + random() % 250, random(), 200);
      ASSERT_NO_FATAL_FAILURE(check("seed " + std::to_string(seed)));
      lost += tells.reached;
    }
    for (auto count : tells.acknowledged)
      events += count;
  }
  EXPECT_GT(lost, seeds(100)) << "the power has to go while it is written";
  RecordProperty("events", std::to_string(events));
}

TEST_F(journals_on_bad_disks, no_write_that_failed_is_acknowledged_wherever_the_disk_fails) {
  for (auto how : {unreliable_disk::end::io_error, unreliable_disk::end::no_space}) {
    bool reached = true;
    std::uint64_t last = 0;
    for (std::uint64_t at = 1; reached; ++at) {
      std::filesystem::remove_all(folder / "journal");
      tells = {};
      write_on(how, at, 5, 20);
      reached = tells.reached;
      last = at;
      ASSERT_NO_FATAL_FAILURE(check("operation " + std::to_string(at)));
      ASSERT_LT(at, 2'000u);
    }
    EXPECT_GT(last, 40u);
  }
}
