#pragma once

#include "config/limits/storage.hpp"
#include "config/limits/units.hpp"
#include "messages/agents.pb.h"
#include "persistence/state_store.hpp"

#include "tests/unit/persistence/temporary_folder.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <memory>
#include <string>

namespace troupe {

inline Snapshot snapshot(std::uint64_t version, std::size_t bytes = 10) {
  Snapshot made;
  made.set_role("librarian");
  made.set_version(version);
  made.set_state(std::string(bytes, static_cast<char>('a' + version % 26)));
  return made;
}

inline std::uint64_t version_of(state_store& store, std::string_view agent) {
  auto found = store.get(agent);
  EXPECT_TRUE(found) << (found ? "" : found.error().message);
  return found && *found ? (*found)->version() : 0;
}

/// A store in its own folder.
class state_stores : public with_folder {
protected:
  std::unique_ptr<state_store> open() {
    auto store = open_state_store(folder / "state");
    EXPECT_TRUE(store) << (store ? "" : store.error().message);
    return store ? *std::move(store) : nullptr;
  }
  failure opening_failure() {
    auto store = open_state_store(folder / "state");
    EXPECT_FALSE(store);
    return store ? failure{} : store.error();
  }
  std::filesystem::path file_that_begins(std::string_view prefix) {
    for (const auto& entry : std::filesystem::directory_iterator(folder / "state"))
      if (entry.path().filename().string().starts_with(prefix))
        return entry.path();
    ADD_FAILURE() << "no file " << prefix;
    return {};
  }
  std::filesystem::path largest_file(std::string_view extension) {
    std::filesystem::path found;
    std::uintmax_t most = 0;
    for (const auto& entry : std::filesystem::directory_iterator(folder / "state"))
      if (entry.path().extension() == extension && entry.file_size() > most) {
        most = entry.file_size();
        found = entry.path();
      }
    EXPECT_FALSE(found.empty()) << extension;
    return found;
  }
  /// Runs `work` in a process that ends without closing anything, as in a crash.
  template <class Work>
  void crash_after(Work work) {
    auto child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      auto store = open_state_store(folder / "state");
      _exit(store && work(**store) ? 0 : 1);
    }
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFEXITED(status));
    ASSERT_EQ(WEXITSTATUS(status), 0);
  }
};

} // namespace troupe
