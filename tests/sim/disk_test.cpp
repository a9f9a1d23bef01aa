#include "tests/sim/disk.hpp"

#include "config/limits/storage.hpp"
#include "messages/journal.pb.h"

#include <gtest/gtest.h>

namespace troupe::sim {

namespace {

Snapshot snapshot_of(const std::string& state) {
  Snapshot made;
  made.set_state(state);
  return made;
}

std::string state_on(disk& on, std::string_view agent) {
  auto found = on.open_states()->get(agent);
  return found && *found ? (**found).state() : "";
}

const std::string hash_of_blob = sha256("blob");

const agenda when{};

std::size_t events_on(const disk& on) {
  auto page = on.seen().journal.read(std::string(limits::run_id_bytes, 'r'), 0, 1'000);
  return page ? page->events.size() : 0;
}

result<std::uint64_t> append(journal_store& to, const RunEvent& event, journal_write how) {
  std::string run(limits::run_id_bytes, 'r'), bytes = event.SerializeAsString();
  journal_entry one{run, bytes};
  return to.append({&one, 1}, how);
}

} // namespace

TEST(simulated_disk, what_was_synced_is_there_after_the_power_was_lost) {
  disk on{1, 0, when};
  ASSERT_TRUE(on.open_states()->put("keeper/1", snapshot_of("a")));
  on.stop();
  EXPECT_EQ(state_on(on, "keeper/1"), "a");
}

TEST(simulated_disk, of_what_was_not_synced_the_last_part_may_be_lost) {
  bool lost = false, kept = false;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    disk on{seed, 0, when};
    ASSERT_TRUE(on.open_blobs()->put("blob", instant{}));
    auto later = instant{std::chrono::seconds{5}};
    ASSERT_TRUE(on.open_blobs()->use(std::span{&hash_of_blob, 1}, later, {}));
    EXPECT_EQ(on.seen().blobs.at(hash_of_blob).used, later) << "seen at once";
    on.stop();
    (on.seen().blobs.at(hash_of_blob).used == later ? kept : lost) = true;
  }
  EXPECT_TRUE(lost);
  EXPECT_TRUE(kept);
}

TEST(simulated_disk, of_a_journal_what_was_not_synced_may_be_lost) {
  bool lost = false, kept = false;
  RunEvent began, started;
  began.mutable_began();
  started.mutable_task_started();
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    disk on{seed, 0, when};
    auto journal = on.open_journal();
    ASSERT_TRUE(append(*journal, began, journal_write::unsynced));
    ASSERT_TRUE(append(*journal, started, journal_write::synced));
    ASSERT_TRUE(append(*journal, started, journal_write::unsynced));
    EXPECT_EQ(events_on(on), 3u) << "seen at once";
    on.stop();
    ASSERT_GE(events_on(on), 2u);
    (events_on(on) == 3 ? kept : lost) = true;
    ASSERT_TRUE(append(*journal, started, journal_write::unsynced));
    ASSERT_TRUE(journal->sync());
    auto before = events_on(on);
    on.stop();
    EXPECT_EQ(events_on(on), before);
  }
  EXPECT_TRUE(lost);
  EXPECT_TRUE(kept);
}

TEST(simulated_disk, says_for_how_long_an_event_of_a_run_was_not_synced) {
  using namespace std::chrono_literals;
  agenda time;
  disk on{1, 0, time};
  auto journal = on.open_journal();
  RunEvent began;
  began.mutable_began();
  ASSERT_TRUE(append(*journal, began, journal_write::unsynced));
  time.turn(time.now() + 20ms);
  ASSERT_TRUE(journal->sync());
  EXPECT_EQ(on.unsynced_max(), 20ms);
  RunEvent started;
  started.mutable_task_started();
  time.turn(time.now() + 1s);
  ASSERT_TRUE(append(*journal, started, journal_write::unsynced));
  time.turn(time.now() + 30ms);
  on.stop();
  EXPECT_EQ(on.unsynced_max(), 30ms);
}

TEST(simulated_disk, the_power_may_go_in_the_middle_of_a_write) {
  bool lost = false, kept = false;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    disk on{seed, 0, when};
    ASSERT_TRUE(on.open_states()->put("keeper/1", snapshot_of("a")));
    on.faults.power_lost_once_in = 1;
    EXPECT_THROW((void)on.open_states()->put("keeper/1", snapshot_of("b")), process_ends);
    on.stop();
    (state_on(on, "keeper/1") == "b" ? kept : lost) = true;
  }
  EXPECT_TRUE(lost);
  EXPECT_TRUE(kept);
}

TEST(simulated_disk, a_full_disk_refuses_and_a_failed_one_is_broken_until_the_next_start) {
  disk on{1, 0, when};
  on.faults.refuses_once_in = 1;
  auto refused = on.open_states()->put("keeper/1", snapshot_of("a"));
  EXPECT_EQ(refused.error().code, ec::storage_failed);
  EXPECT_EQ(state_on(on, "keeper/1"), "");
  on.faults = {};
  on.faults.fails_once_in = 1;
  auto failed = on.open_states()->put("keeper/1", snapshot_of("a"));
  EXPECT_EQ(failed.error().code, ec::outcome_unknown);
  EXPECT_TRUE(on.open_states()->broken());
  EXPECT_FALSE(on.open_blobs()->put("x", instant{})) << "nothing more is written";
  on.stop();
  EXPECT_FALSE(on.broken());
}

} // namespace troupe::sim
