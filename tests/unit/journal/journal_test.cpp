#include "tests/unit/journal/journal_fixture.hpp"

#include <rocksdb/db.h>

using namespace troupe;

namespace {

/// What both kinds do.
class both_journals : public journals {
protected:
  std::vector<std::unique_ptr<journal_store>> both() {
    std::vector<std::unique_ptr<journal_store>> made;
    made.push_back(open());
    made.push_back(make_memory_journal(make_journal_medium()));
    return made;
  }
};

std::vector<std::string> ids_of(const RunsFound& found) {
  std::vector<std::string> ids;
  for (const auto& run : found.runs())
    ids.push_back(run.run());
  return ids;
}

} // namespace

TEST_F(both_journals, events_of_runs_are_read_in_their_order_page_by_page) {
  for (auto& store : both()) {
    std::vector<std::string> of_a{began()}, of_b{began()};
    ASSERT_TRUE(append(*store, {{a, of_a[0]}, {b, of_b[0]}}));
    for (std::uint32_t i = 0; i < 600; ++i) {
      auto how = i % 3 == 0 ? journal_write::synced : journal_write::unsynced;
      of_a.push_back(succeeded(i, "of a"));
      of_b.push_back(succeeded(i, "of b"));
      ASSERT_TRUE(append(*store, {{b, of_b.back()}, {a, of_a.back()}}, how));
    }
    EXPECT_EQ(*events_of(*store, a), of_a);
    EXPECT_EQ(*events_of(*store, b, 1), of_b) << "at least one in each page";
    auto page = store->read(a, 598, 1'000'000);
    ASSERT_TRUE(page && *page);
    EXPECT_EQ((*page)->first, 599u);
    EXPECT_EQ((*page)->events, (std::vector<std::string>{of_a[598], of_a[599], of_a[600]}));
    EXPECT_FALSE((*page)->more);
    auto none = store->read(a, 700, 1'000);
    ASSERT_TRUE(none && *none);
    EXPECT_TRUE((*none)->events.empty());
    EXPECT_FALSE(*store->read(c, 0, 1'000)) << "there is no such run";
  }
}

TEST_F(both_journals, a_batch_with_an_entry_that_does_not_fit_is_not_written) {
  for (auto& store : both()) {
    ASSERT_TRUE(append(*store, {{a, began()}}));
    ASSERT_TRUE(append(*store, {{b, began()}, {b, finished(10)}}));
    std::vector<std::vector<run_and_event>> wrong{
        {{a, succeeded(1)}, {c, succeeded(1)}}, // has not begun
        {{a, succeeded(1)}, {a, began()}},      // has begun
        {{a, succeeded(1)}, {b, succeeded(1)}}, // has ended
        {{c, began()}, {c, finished(1)}, {c, succeeded(1)}},
        {{a, succeeded(1)}, {a, ""}},
        {{a, succeeded(1)}, {a, "\x08\x01"}},
        {{a, succeeded(1)}, {a, finished(1) + "x"}},
        {{a, succeeded(1)}, {"short", began()}},
    };
    for (const auto& entries : wrong) {
      auto written = append(*store, entries);
      ASSERT_FALSE(written);
      EXPECT_EQ(written.error().code, ec::invalid_argument);
    }
    EXPECT_FALSE(store->broken());
    EXPECT_EQ(events_of(*store, a)->size(), 1u);
    EXPECT_FALSE(*store->read(c, 0, 1'000));
    EXPECT_EQ(*store->open_runs(), std::vector<std::string>{a});
  }
}

TEST_F(both_journals, runs_are_found_by_key_and_by_submission_until_they_are_removed) {
  for (auto& store : both()) {
    ASSERT_TRUE(append(*store, {{a, began("monthly", 7, 3)}, {b, began("", 7, 4)}}));
    EXPECT_EQ(*store->find("default", "monthly"), a);
    EXPECT_EQ(*store->find("other", "monthly"), std::nullopt);
    EXPECT_EQ(*store->find("default", ""), std::nullopt);
    EXPECT_EQ(*store->find(7, 3), a);
    EXPECT_EQ(*store->find(7, 4), b);
    EXPECT_EQ(*store->find(8, 3), std::nullopt);
    EXPECT_EQ(*store->remove(a), journal_removal::goes_on);
    EXPECT_EQ(*store->remove(c), journal_removal::not_found);
    ASSERT_TRUE(append(*store, {{a, finished(5)}, {c, began("monthly")}}));
    EXPECT_EQ(*store->find("default", "monthly"), c) << "the last that began with it";
    EXPECT_EQ(*store->remove(a), journal_removal::removed);
    EXPECT_EQ(*store->find("default", "monthly"), c);
    EXPECT_EQ(*store->find(7, 3), std::nullopt);
    EXPECT_FALSE(*store->read(a, 0, 1'000));
    ASSERT_TRUE(append(*store, {{a, began()}})) << "its id is free again";
    EXPECT_EQ(events_of(*store, a)->size(), 1u);
  }
}

TEST_F(both_journals, ended_runs_are_listed_latest_first_and_cut_oldest_first) {
  for (auto& store : both()) {
    for (unsigned i = 1; i <= 9; ++i)
      ASSERT_TRUE(append(*store, {{run_called(i), began()},
                                  {run_called(i), finished(i < 9 ? 1'000 * i : 500,
                                                           i % 2 ? RUN_FAILED : RUN_SUCCEEDED)}}));
    ASSERT_TRUE(append(*store, {{run_called(77), began()}}));
    auto latest = store->ended(RUN_ANY, "", 3);
    ASSERT_TRUE(latest);
    EXPECT_EQ(ids_of(*latest),
              (std::vector<std::string>{run_called(8), run_called(7), run_called(6)}));
    EXPECT_TRUE(latest->more());
    auto failed = store->ended(RUN_FAILED, "", 5);
    EXPECT_EQ(ids_of(*failed),
              (std::vector<std::string>{run_called(7), run_called(5), run_called(3), run_called(1),
                                        run_called(9)}));
    EXPECT_FALSE(failed->more());
    EXPECT_EQ(ids_of(*store->ended(RUN_ANY, to_hex(run_called(4)), 5)),
              std::vector<std::string>{run_called(4)});
    EXPECT_EQ(*store->cut(5'000, 3), 3u);
    EXPECT_EQ(*store->cut(5'000, 3), 2u) << "those of 3000 and 4000 ms";
    EXPECT_EQ(*store->cut(5'000, 3), 0u);
    EXPECT_EQ(
        ids_of(*store->ended(RUN_ANY, "", 10)),
        (std::vector<std::string>{run_called(8), run_called(7), run_called(6), run_called(5)}));
    EXPECT_FALSE(*store->read(run_called(9), 0, 1'000));
    EXPECT_EQ(*store->open_runs(), std::vector<std::string>{run_called(77)});
  }
}

TEST_F(journals, all_is_there_for_the_next_process_and_goes_on) {
  std::vector<std::string> of_a{began("key", 7, 1), succeeded(1)};
  {
    auto store = open();
    ASSERT_TRUE(append(*store, {{a, of_a[0]}, {b, began()}, {b, finished(9)}}));
    ASSERT_TRUE(append(*store, {{a, of_a[1]}}, journal_write::unsynced));
  }
  for (std::uint32_t round = 2; round < 5; ++round) {
    auto store = open({.must_exist = true});
    EXPECT_EQ(*store->open_runs(), std::vector<std::string>{a});
    EXPECT_EQ(*store->find("default", "key"), a);
    EXPECT_EQ(*events_of(*store, a), of_a);
    of_a.push_back(succeeded(round));
    ASSERT_TRUE(append(*store, {{a, of_a.back()}}));
    EXPECT_EQ(*events_of(*store, a), of_a);
    EXPECT_FALSE(append(*store, {{b, succeeded(1)}})) << "it has ended";
  }
}

TEST_F(journals, large_events_are_stored_once_and_go_with_the_last_run_that_has_them) {
  auto large = succeeded(1, std::string(100'000, 'x'));
  auto only_b = succeeded(2, std::string(70'000, 'y'));
  auto store = open();
  auto first = append(*store, {{a, began()}, {a, large}});
  auto second = append(*store, {{b, began()}, {b, large}, {b, large}, {b, only_b}});
  ASSERT_TRUE(first && second);
  EXPECT_GT(*first, 100'000u);
  EXPECT_LT(*second, 72'000u) << "it is there already";
  EXPECT_EQ(*events_of(*store, b), (std::vector<std::string>{began(), large, large, only_b}));
  ASSERT_TRUE(append(*store, {{a, finished(1)}, {b, finished(2)}}));
  auto payloads = [&] {
    store.reset();
    rocksdb::DB* raw = nullptr;
    rocksdb::Options options;
    EXPECT_TRUE(rocksdb::DB::OpenForReadOnly(options, place().string(), &raw).ok());
    std::unique_ptr<rocksdb::DB> db(raw);
    std::unique_ptr<rocksdb::Iterator> rows(db->NewIterator({}));
    std::size_t count = 0, names = 0;
    for (rows->SeekToFirst(); rows->Valid(); rows->Next()) {
      count += rows->key().starts_with("p");
      names += rows->key().starts_with("n") + rows->key().starts_with("b");
    }
    rows.reset();
    db.reset();
    store = open();
    return std::pair{count, names};
  };
  EXPECT_EQ(payloads(), (std::pair<std::size_t, std::size_t>{2, 6}));
  EXPECT_EQ(*store->remove(a), journal_removal::removed);
  EXPECT_EQ(payloads(), (std::pair<std::size_t, std::size_t>{2, 4}));
  EXPECT_EQ(*events_of(*store, b),
            (std::vector<std::string>{began(), large, large, only_b, finished(2)}));
  EXPECT_EQ(*store->cut(100, 10), 1u);
  EXPECT_EQ(payloads(), (std::pair<std::size_t, std::size_t>{0, 0}));
}

TEST_F(journals, a_later_opening_takes_the_right_to_write) {
  auto medium = make_journal_medium();
  auto old = make_memory_journal(medium);
  ASSERT_TRUE(append(*old, {{a, began()}}));
  auto later = make_memory_journal(medium);
  auto refused = append(*old, {{a, succeeded(1)}});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ec::refused);
  EXPECT_FALSE(old->remove(a));
  EXPECT_FALSE(old->cut(1, 1));
  EXPECT_FALSE(old->sync());
  EXPECT_TRUE(append(*later, {{a, succeeded(1)}}));
  EXPECT_EQ(events_of(*old, a)->size(), 2u) << "reading is not forbidden";
  // On a disk, only one process has it open at a time.
  auto store = open();
  EXPECT_EQ(opening_failure().code, ec::refused);
}

TEST_F(journals, a_full_disk_refuses_and_is_over_by_itself) {
  std::uint64_t free = 1 << 30;
  journal_options options;
  options.free_space = [&](const auto&) -> result<std::uint64_t> { return free; };
  auto store = open(options);
  ASSERT_TRUE(append(*store, {{a, began()}}));
  EXPECT_EQ(*store->free_bytes(), std::uint64_t{1} << 30);
  free = limits::disk_free_bytes_min / 2;
  EXPECT_TRUE(append(*store, {{a, succeeded(1)}})) << "what was accepted goes on";
  free = limits::disk_free_bytes_last / 2;
  auto refused = append(*store, {{a, succeeded(2)}});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ec::storage_failed);
  EXPECT_FALSE(store->broken());
  store.reset();
  store = open(options);
  EXPECT_EQ(events_of(*store, a)->size(), 2u) << "it is still read";
  EXPECT_FALSE(append(*store, {{a, succeeded(2)}}));
  free = 1 << 30;
  EXPECT_TRUE(append(*store, {{a, succeeded(2)}}));
  EXPECT_EQ(events_of(*store, a)->size(), 3u);
}

TEST_F(journals, a_task_of_three_steps_takes_less_than_400_bytes) {
  auto store = open();
  ASSERT_TRUE(append(*store, {{a, began()}}));
  RunEvent started;
  started.mutable_task_started()->set_index(1'000);
  started.mutable_task_started()->set_attempt(1);
  started.mutable_task_started()->set_node(std::string(16, 'n'));
  std::uint64_t bytes = *append(*store, {{a, started.SerializeAsString()}});
  for (std::uint32_t i = 1; i <= 3; ++i) {
    RunEvent event;
    auto& step = *event.mutable_step();
    step.set_index(1'000);
    step.set_attempt(1);
    step.mutable_step()->set_number(i);
    step.mutable_step()->set_asked(0x123456789abcdef0);
    step.mutable_step()->set_what("chat gpt-5");
    step.mutable_step()->set_kind(42);
    bytes += *append(*store, {{a, event.SerializeAsString()}});
  }
  bytes += *append(*store, {{a, succeeded(1'000, "")}});
  RecordProperty("bytes", std::to_string(bytes));
  EXPECT_LT(bytes, 400u);
}
