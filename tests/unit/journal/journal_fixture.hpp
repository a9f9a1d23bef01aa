#pragma once

#include "config/base/hex.hpp"
#include "config/limits/storage.hpp"
#include "messages/journal.pb.h"
#include "persistence/journal/journal_store.hpp"

#include "tests/unit/persistence/temporary_folder.hpp"

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace troupe {

/// The id of the run with that number.
inline std::string run_called(unsigned number) {
  auto text = std::to_string(number);
  return std::string(limits::run_id_bytes - text.size(), 'r') + text;
}

/// Three runs.
inline const std::string a = run_called(1), b = run_called(2), c = run_called(3);

inline std::string began(const std::string& key = "", std::uint64_t session = 0,
                         std::uint64_t number = 0) {
  RunEvent event;
  auto& made = *event.mutable_began();
  made.mutable_graph()->set_name("digest");
  made.set_key(key);
  made.set_tenant("default");
  made.set_session(session);
  made.set_number(number);
  return event.SerializeAsString();
}

inline std::string succeeded(std::uint32_t index, std::string output = "done") {
  RunEvent event;
  auto& made = *event.mutable_task_succeeded();
  made.mutable_end()->set_index(index);
  made.mutable_end()->set_attempt(1);
  made.mutable_end()->set_node(std::string(16, 'n'));
  made.set_output(std::move(output));
  return event.SerializeAsString();
}

inline std::string finished(std::int64_t ended_ms, RunPhase phase = RUN_SUCCEEDED) {
  RunEvent event;
  auto& summary = *event.mutable_finished()->mutable_summary();
  summary.set_graph("digest");
  summary.set_phase(phase);
  summary.set_ended_ms(ended_ms);
  return event.SerializeAsString();
}

using run_and_event = std::pair<std::string, std::string>;

inline result<std::uint64_t> append(journal_store& to, const std::vector<run_and_event>& all,
                                    journal_write how = journal_write::synced) {
  std::vector<journal_entry> entries;
  for (const auto& [run, event] : all)
    entries.push_back({run, event});
  return to.append(entries, how);
}

/// All events of the run, page by page.
inline result<std::vector<std::string>> events_of(journal_store& from, const std::string& run,
                                                  std::uint64_t bytes_max = 1'000) {
  std::vector<std::string> all;
  for (;;) {
    auto page = from.read(run, all.size(), bytes_max);
    if (!page)
      return unexpected{page.error()};
    if (!*page)
      return all;
    if ((*page)->first != all.size() + 1)
      return fail(ec::bad_message, "the page begins elsewhere");
    for (auto& event : (*page)->events)
      all.push_back(std::move(event));
    if (!(*page)->more)
      return all;
  }
}

inline ec code_of_read(const result<std::vector<std::string>>& read) {
  return read ? ec::none : read.error().code;
}

/// A journal in its own folder.
class journals : public with_folder {
protected:
  std::filesystem::path place() const { return folder / "journal"; }
  std::unique_ptr<journal_store> open(journal_options options = {}) {
    auto store = open_journal(place(), std::move(options));
    EXPECT_TRUE(store) << (store ? "" : store.error().message);
    return store ? *std::move(store) : nullptr;
  }
  failure opening_failure() {
    auto store = open_journal(place());
    EXPECT_FALSE(store);
    return store ? failure{} : store.error();
  }
};

} // namespace troupe
