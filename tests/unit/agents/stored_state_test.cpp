#include "actors/agents/stored_state.hpp"
#include "config/limits/storage.hpp"
#include "config/limits/work.hpp"
#include "persistence/state_change.hpp"

#include <gtest/gtest.h>

#include <optional>

namespace troupe {

namespace {

/// A mind that is nothing but its bytes. "damaged" is none of its states.
struct bytes_mind final : mind {
  std::string bytes;

  commands decide(mind_event) override { return {}; }
  std::string snapshot() const override { return bytes; }
  std::vector<std::string> blobs_named() const override { return {std::string(32, 'b')}; }
  bool restore(std::string_view from) override {
    bytes = from;
    return from != "damaged";
  }
};

role kind_of_bytes() {
  role kind;
  kind.info.set_name("keeper");
  kind.make = [] { return std::make_unique<bytes_mind>(); };
  return kind;
}

Snapshot snapshot_of(std::string role_name, std::string state, std::uint64_t version) {
  Snapshot found;
  found.set_role(std::move(role_name));
  found.set_state(std::move(state));
  found.set_version(version);
  return found;
}

const name ada_key{"keeper/ada"};

} // namespace

TEST(stored_state, of_a_new_agent_is_empty_and_its_first_version_is_one) {
  stored_state state;
  auto kind = kind_of_bytes();
  auto made = state.take(kind, nullptr);
  ASSERT_TRUE(made);
  EXPECT_EQ(state.version(), 0u);
  bytes_mind now;
  now.bytes = "one";
  auto put = state.change_to(now, kind, ada_key);
  ASSERT_TRUE(put && *put);
  EXPECT_EQ((*put)->agent(), "keeper/ada");
  EXPECT_EQ((*put)->snapshot().role(), "keeper");
  EXPECT_EQ((*put)->snapshot().version(), 1u);
  EXPECT_EQ((*put)->blobs_size(), 1);
}

TEST(stored_state, changes_only_when_it_is_written) {
  stored_state state;
  auto kind = kind_of_bytes();
  auto found = snapshot_of("keeper", "old", 7);
  ASSERT_TRUE(state.take(kind, &found));
  bytes_mind now;
  now.bytes = "new";
  ASSERT_TRUE(state.change_to(now, kind, ada_key));
  EXPECT_EQ(state.mind_of(kind)->snapshot(), "old") << "a message that fails goes back to it";
  state.is_written();
  EXPECT_EQ(state.mind_of(kind)->snapshot(), "new");
  EXPECT_EQ(state.version(), 8u);
  auto same = state.change_to(now, kind, ada_key);
  ASSERT_TRUE(same);
  EXPECT_FALSE(*same) << "it is on disk already";
}

TEST(stored_state, of_another_role_or_damaged_is_refused) {
  stored_state state;
  auto kind = kind_of_bytes();
  auto others = snapshot_of("librarian", "old", 7), damaged = snapshot_of("keeper", "damaged", 7);
  EXPECT_EQ(state.take(kind, &others).error().code, ec::storage_failed);
  EXPECT_EQ(state.take(kind, &damaged).error().code, ec::storage_failed);
  EXPECT_EQ(state.version(), 0u);
}

TEST(stored_state, that_is_too_large_is_not_written) {
  stored_state state;
  auto kind = kind_of_bytes();
  bytes_mind now;
  now.bytes.assign(limits::agent_state_bytes_max + 1, 'x');
  auto put = state.change_to(now, kind, ada_key);
  ASSERT_FALSE(put);
  EXPECT_EQ(put.error().code, ec::too_large);
}

struct large_state : ::testing::Test {
  role kind = kind_of_bytes();
  stored_state state;
  bytes_mind now;
  Snapshot on_disk;
  std::size_t whole = 0;

  void SetUp() override {
    on_disk = snapshot_of("keeper", std::string(limits::agent_state_bytes_max - 1'000, 'x'), 6);
    auto made = state.take(kind, &on_disk);
    ASSERT_TRUE(made);
    now.bytes = on_disk.state();
  }
  /// Returns how many bytes were written.
  std::size_t write(std::optional<SessionReplies> replied = std::nullopt) {
    auto put = state.change_to(now, kind, ada_key, std::move(replied));
    EXPECT_TRUE(put && *put);
    if (!put || !*put)
      return 0;
    EXPECT_NE((*put)->has_snapshot(), (*put)->has_change());
    if ((*put)->has_snapshot()) {
      on_disk = (*put)->snapshot();
      ++whole;
    } else {
      EXPECT_TRUE(apply((*put)->change(), on_disk));
    }
    state.is_written();
    EXPECT_EQ(on_disk.state(), now.bytes);
    EXPECT_EQ(on_disk.version(), state.version());
    return (*put)->ByteSizeLong();
  }
};

TEST_F(large_state, is_not_written_whole_for_a_small_change) {
  now.bytes.replace(1'000, 3, "a small change");
  EXPECT_LT(write(), 100u);
  now.bytes.resize(now.bytes.size() - 100);
  EXPECT_LT(write(), 100u);
  now.bytes += "more";
  EXPECT_LT(write(), 100u);
  EXPECT_EQ(whole, 0u);
}

TEST_F(large_state, is_not_written_whole_for_a_reply) {
  SessionReplies replied;
  replied.set_session(7);
  replied.add_replies()->set_reply("done");
  EXPECT_LT(write(replied), 100u);
  ASSERT_EQ(on_disk.sessions_size(), 1);
  EXPECT_EQ(on_disk.sessions(0).replies(0).reply(), "done");
}

TEST_F(large_state, is_written_whole_every_so_many_changes) {
  now.bytes.resize(now.bytes.size() / 2);
  for (std::size_t i = 0; i < 4 * limits::state_changes_max; ++i) {
    now.bytes += "x";
    write();
  }
  EXPECT_EQ(whole, 4u);
}

TEST_F(large_state, is_written_whole_after_so_many_bytes_of_changes) {
  now.bytes.resize(limits::mib / 2);
  for (std::size_t i = 0; i < 5; ++i) {
    now.bytes.append(limits::state_changes_bytes_max / 5, static_cast<char>('a' + i));
    write();
  }
  EXPECT_EQ(whole, 1u);
}

TEST_F(large_state, is_written_whole_if_most_of_it_changes) {
  now.bytes.assign(5'000, 'y');
  write();
  EXPECT_EQ(whole, 1u);
  now.bytes.replace(1'000, 3'000, std::string(3'000, 'z'));
  write();
  EXPECT_EQ(whole, 2u);
}

TEST(stored_state, that_is_small_is_written_whole) {
  stored_state state;
  auto kind = kind_of_bytes();
  auto found = snapshot_of("keeper", "old", 7);
  ASSERT_TRUE(state.take(kind, &found));
  bytes_mind now;
  now.bytes = "older";
  auto put = state.change_to(now, kind, ada_key);
  ASSERT_TRUE(put && *put);
  EXPECT_TRUE((*put)->has_snapshot());
}

} // namespace troupe
