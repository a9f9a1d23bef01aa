#include "actors/agents/stored_state.hpp"
#include "config/limits/work.hpp"

#include <gtest/gtest.h>

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

} // namespace troupe
