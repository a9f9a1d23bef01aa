#include "tests/unit/persistence/state_store_fixture.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <csignal>
#include <map>
#include <random>
#include <vector>

using namespace troupe;

TEST_F(state_stores, both_kinds_keep_the_latest_snapshot_of_each_agent) {
  auto disk = open();
  ASSERT_TRUE(disk);
  auto memory = make_memory_state_store();
  for (auto* store : {disk.get(), memory.get()}) {
    EXPECT_FALSE(*store->get("librarian/a"));
    ASSERT_TRUE(store->put("librarian/a", snapshot(1)));
    ASSERT_TRUE(store->put("librarian/b", snapshot(1)));
    ASSERT_TRUE(store->put("librarian/a", snapshot(2)));
    EXPECT_EQ(version_of(*store, "librarian/a"), 2u);
    EXPECT_EQ(version_of(*store, "librarian/b"), 1u);
    EXPECT_FALSE(*store->get("librarian/"));
    EXPECT_EQ(*store->count(), 2u);
    auto found = store->get("librarian/a");
    EXPECT_EQ((*found)->SerializeAsString(), snapshot(2).SerializeAsString());
  }
}

TEST_F(state_stores, snapshots_are_there_after_closing_and_after_a_crash) {
  {
    auto store = open();
    ASSERT_TRUE(store && store->put("a/1", snapshot(1)));
  }
  crash_after([](state_store& store) {
    return store.put("a/1", snapshot(2)) && store.put("a/2", snapshot(5, limits::mib));
  });
  auto store = open();
  ASSERT_TRUE(store);
  EXPECT_EQ(version_of(*store, "a/1"), 2u);
  EXPECT_EQ(version_of(*store, "a/2"), 5u);
  EXPECT_EQ(*store->count(), 2u);
}

TEST_F(state_stores, what_was_acknowledged_survives_a_kill_at_any_moment) {
  std::map<std::string, std::uint64_t> acknowledged;
  for (int round = 0; round < 8; ++round) {
    int pipe_ends[2];
    ASSERT_EQ(pipe(pipe_ends), 0);
    auto child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      auto store = open_state_store(folder / "state");
      for (std::uint64_t i = 0; store && i < 1'000; ++i) {
        auto agent = static_cast<char>(i % 7);
        if (!(*store)->put(std::string("a/") + static_cast<char>('0' + agent),
                           snapshot(static_cast<std::uint64_t>(round) * 1'000 + i + 1, 5'000))
            || ::write(pipe_ends[1], &agent, 1) != 1)
          break;
      }
      _exit(0);
    }
    ::close(pipe_ends[1]);
    char agent = 0;
    std::uint64_t seen = 0;
    while (::read(pipe_ends[0], &agent, 1) == 1) {
      acknowledged[std::string("a/") + static_cast<char>('0' + agent)] =
          static_cast<std::uint64_t>(round) * 1'000 + ++seen;
      if (seen == 10u + static_cast<unsigned>(round) * 3)
        kill(child, SIGKILL);
    }
    ::close(pipe_ends[0]);
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    ASSERT_GE(seen, 10u);
    auto store = open();
    ASSERT_TRUE(store) << "round " << round;
    for (const auto& [key, version] : acknowledged)
      EXPECT_GE(version_of(*store, key), version) << key;
  }
}

TEST_F(state_stores, the_torn_tail_of_a_crash_is_no_damage) {
  crash_after([](state_store& store) { return bool(store.put("a/1", snapshot(1))); });
  auto log = largest_file(".log");
  write(log, bytes_of(log) + std::string("\x12\x34\x56\x78\xff\x00\x01half a rec", 17));
  auto store = open();
  ASSERT_TRUE(store);
  EXPECT_EQ(version_of(*store, "a/1"), 1u);
  EXPECT_TRUE(store->put("a/1", snapshot(2)));
}

TEST_F(state_stores, a_cut_log_is_damage_if_acknowledged_writes_are_missing) {
  crash_after([](state_store& store) {
    return store.put("a/1", snapshot(1)) && store.put("a/1", snapshot(2));
  });
  auto log = largest_file(".log");
  std::filesystem::resize_file(log, std::filesystem::file_size(log) - 20);
  auto why = opening_failure();
  EXPECT_EQ(why.code, ec::bad_message);
  EXPECT_NE(why.message.find("the last 1 acknowledged writes are missing"), std::string::npos)
      << why.message;
  EXPECT_NE(why.message.find("restore the folder"), std::string::npos) << why.message;
}

TEST_F(state_stores, a_lost_table_of_contents_is_damage) {
  for (std::uint64_t round = 1; round <= 3; ++round) {
    auto store = open();
    ASSERT_TRUE(store && store->put("a/" + std::to_string(round), snapshot(round, 5'000)));
  }
  crash_after([](state_store& store) { return bool(store.put("a/9", snapshot(9))); });
  // Cut at the end of a list entry, so that the rest is a valid list of fewer files.
  auto list = file_that_begins("MANIFEST");
  auto whole = bytes_of(list);
  std::size_t refused = 0, right = 0;
  for (std::size_t size = whole.size(); size > whole.size() / 2; size -= 3) {
    std::filesystem::remove_all(folder / "copy");
    std::filesystem::copy(folder / "state", folder / "copy");
    std::filesystem::resize_file(folder / "copy" / list.filename(), size);
    auto store = open_state_store(folder / "copy");
    if (!store) {
      EXPECT_EQ(store.error().code, ec::bad_message) << store.error().message;
      ++refused;
      continue;
    }
    ++right;
    for (std::uint64_t agent : {1, 2, 3, 9})
      EXPECT_EQ(version_of(**store, "a/" + std::to_string(agent)), agent) << size;
  }
  EXPECT_GT(refused, 0u);
  EXPECT_GT(right, 0u);
}

TEST_F(state_stores, damage_anywhere_is_found_or_harmless) {
  for (std::uint64_t round = 1; round <= 2; ++round) {
    auto store = open();
    for (std::uint64_t agent = 0; agent < 20; ++agent)
      ASSERT_TRUE(store->put("a/" + std::to_string(agent), snapshot(round, 2'000)));
  }
  crash_after([](state_store& store) {
    for (std::uint64_t agent = 0; agent < 10; ++agent)
      if (!store.put("a/" + std::to_string(agent), snapshot(3, 2'000)))
        return false;
    return true;
  });
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder / "state"))
    if (entry.file_size() > 0)
      files.push_back(entry.path().filename());
  std::sort(files.begin(), files.end());
  int found = 0;
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    std::mt19937_64 random(seed);
    std::filesystem::remove_all(folder / "copy");
    std::filesystem::copy(folder / "state", folder / "copy");
    auto path = folder / "copy" / files[random() % files.size()];
    auto bytes = bytes_of(path);
    auto at = random() % bytes.size();
    if (random() % 2 == 0)
      bytes.resize(at);
    else
      bytes[at] = static_cast<char>(bytes[at] ^ (1 << random() % 8));
    write(path, bytes);
    SCOPED_TRACE("seed " + std::to_string(seed) + " " + path.filename().string());
    auto store = open_state_store(folder / "copy");
    if (!store) {
      EXPECT_EQ(store.error().code, ec::bad_message) << store.error().message;
      ++found;
      continue;
    }
    for (std::uint64_t agent = 0; agent < 20; ++agent) {
      auto state = (*store)->get("a/" + std::to_string(agent));
      if (!state) {
        EXPECT_EQ(state.error().code, ec::storage_failed);
        ++found;
        break;
      }
      ASSERT_TRUE(*state) << agent;
      EXPECT_EQ((*state)->SerializeAsString(),
                snapshot(agent < 10 ? 3 : 2, 2'000).SerializeAsString());
    }
  }
  EXPECT_GT(found, 10);
}

TEST_F(state_stores, a_full_disk_is_refused_before_anything_is_written) {
  std::uint64_t there = limits::disk_free_bytes_min + limits::mib;
  state_store_options options;
  options.free_space = [&](const std::filesystem::path&) -> result<std::uint64_t> { return there; };
  auto store = open_state_store(folder / "state", options);
  ASSERT_TRUE(store);
  ASSERT_TRUE((*store)->put("a/1", snapshot(1)));
  there = limits::disk_free_bytes_min - 1;
  auto refused = (*store)->put("a/1", snapshot(2));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ec::storage_failed);
  EXPECT_NE(refused.error().message.find("full"), std::string::npos);
  EXPECT_EQ(version_of(**store, "a/1"), 1u) << "reading goes on";
  there = limits::disk_free_bytes_min + limits::mib;
  EXPECT_TRUE((*store)->put("a/1", snapshot(3)));
  EXPECT_FALSE((*store)->put("a/1", snapshot(4, limits::mib))) << "it would not fit";

  there = 0;
  auto none = open_state_store(folder / "other", options);
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, ec::storage_failed);
}

TEST_F(state_stores, after_a_failed_write_nothing_is_done_until_the_store_is_opened_anew) {
  crash_after([](state_store& store) {
    if (!store.put("a/1", snapshot(1)))
      return false;
    // A limit on file sizes makes the system refuse a part of the write.
    std::signal(SIGXFSZ, SIG_IGN);
    rlimit small{100'000, 100'000};
    if (setrlimit(RLIMIT_FSIZE, &small) != 0)
      return false;
    auto failed = store.put("a/1", snapshot(2, 500'000));
    auto again = store.put("a/1", snapshot(3));
    // A log may contain what could not be synced, and what is in memory may not be on disk.
    return !failed && failed.error().code == ec::outcome_unknown && store.broken() && !again
           && again.error().message.find("restarted") != std::string::npos && !store.get("a/1");
  });
  auto store = open();
  ASSERT_TRUE(store);
  EXPECT_EQ(version_of(*store, "a/1"), 1u);
  EXPECT_TRUE(store->put("a/1", snapshot(4)));
}
