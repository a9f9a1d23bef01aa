#include "tests/unit/persistence/state_store_fixture.hpp"

#include <gmock/gmock.h>

#include <filesystem>
#include <string>
#include <vector>

/// States that real nodes of earlier versions left (scripts/keep_formats) are read, and go on.
namespace troupe {
namespace {

using testing::HasSubstr;

class kept_states : public state_stores {
protected:
  /// Each kept store.
  static std::vector<std::filesystem::path> kept() {
    std::vector<std::filesystem::path> all;
    auto data = std::filesystem::path{TROUPE_SOURCE_DIR} / "tests/data";
    for (int i = 1; exists(data / ("state-" + std::to_string(i))); ++i)
      all.push_back(data / ("state-" + std::to_string(i)));
    EXPECT_FALSE(all.empty());
    return all;
  }
  static Snapshot state_of(state_store& store, const std::string& agent) {
    auto found = store.get(agent);
    EXPECT_TRUE(found) << (found ? "" : found.error().message);
    EXPECT_TRUE(found && *found) << agent;
    return found && *found ? **found : Snapshot{};
  }
};

TEST_F(kept_states, are_read_and_go_on) {
  for (const auto& folder_of_version : kept()) {
    SCOPED_TRACE(folder_of_version);
    std::filesystem::remove_all(folder / "state");
    std::filesystem::copy(folder_of_version, folder / "state");
    {
      auto store = open();
      ASSERT_TRUE(store);
      EXPECT_EQ(*store->count(), 2u);
      auto small = state_of(*store, "librarian/small");
      EXPECT_EQ(small.role(), "librarian");
      EXPECT_EQ(small.version(), 1u);
      EXPECT_THAT(small.state(), HasSubstr("The ferry leaves from pier four."));
      EXPECT_EQ(small.sessions_size(), 1) << "its reply, for a client that repeats the message";
      auto large = state_of(*store, "librarian/large");
      EXPECT_EQ(large.version(), 3u);
      EXPECT_GT(large.state().size(), std::size_t{64} << 10);
      for (auto fact : {"word9999.", "The harbour opens at six.", "file.txt"})
        EXPECT_THAT(large.state(), HasSubstr(fact));
      EXPECT_GE(large.sessions_size(), 1);
      StateChange change; // as the next message makes it
      change.set_version(4);
      change.set_offset(large.state().size());
      change.set_inserted("more");
      ASSERT_TRUE(store->put("librarian/large", change));
      ASSERT_TRUE(store->put("librarian/small", snapshot(2)));
    }
    auto again = open();
    ASSERT_TRUE(again);
    EXPECT_EQ(version_of(*again, "librarian/small"), 2u);
    auto large = state_of(*again, "librarian/large");
    EXPECT_EQ(large.version(), 4u);
    EXPECT_TRUE(large.state().ends_with("more"));
    EXPECT_TRUE(again->knows_names());
  }
}

} // namespace
} // namespace troupe
