#include "actors/coordination/run_reader.hpp"
#include "config/limits/runs.hpp"
#include "messages/models.pb.h"
#include "messages/payload.hpp"
#include "persistence/journal/journal_store.hpp"
#include "tests/unit/coordination/durable_runs_fixture.hpp"

#include <cstdlib>
#include <filesystem>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

/// Journals that real nodes of earlier versions left (scripts/keep_formats): all of them is read,
/// and their runs go on. That of version 1 has no graphs; the tests of the journal read it.
namespace troupe::tests {
namespace {

constexpr int first_with_graphs = 2;

/// A copy of a kept journal: opening one changes it.
class kept_journal {
public:
  explicit kept_journal(const std::filesystem::path& kept) {
    auto pattern = (std::filesystem::temp_directory_path() / "troupe-test-XXXXXX").string();
    EXPECT_NE(mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    std::filesystem::copy(kept, folder_ / "journal");
    auto opened = open_journal(folder_ / "journal");
    EXPECT_TRUE(opened) << (opened ? "" : opened.error().message);
    if (opened)
      store_ = *std::move(opened);
  }
  ~kept_journal() {
    store_.reset();
    std::filesystem::remove_all(folder_);
  }
  kept_journal(const kept_journal&) = delete;
  kept_journal& operator=(const kept_journal&) = delete;

  journal_store& store() { return *store_; }
  /// The ids of all its runs.
  std::vector<std::string> runs() {
    auto all = *store_->open_runs();
    auto ended = store_->ended(RUN_ANY, "", limits::runs_listed_max);
    for (const auto& one : ended->runs())
      all.push_back(one.run());
    return all;
  }
  /// As service::journal answers.
  JournalRecords page(const JournalRead& asked) {
    JournalRecords made;
    auto read = store_->read(asked.run(), asked.after(), asked.bytes_max());
    EXPECT_TRUE(read && *read) << (read ? "no such run" : read.error().message);
    if (!read || !*read)
      return made;
    for (auto& event : (*read)->events)
      made.add_events(std::move(event));
    made.set_more((*read)->more);
    return made;
  }
  std::vector<RunEvent> events_of(const std::string& run) {
    std::vector<RunEvent> all;
    JournalRead asked;
    asked.set_run(run);
    asked.set_bytes_max(1 << 30);
    auto whole = page(asked);
    for (const auto& bytes : whole.events())
      EXPECT_TRUE(all.emplace_back().ParseFromString(bytes));
    return all;
  }

private:
  std::filesystem::path folder_;
  std::unique_ptr<journal_store> store_;
};

/// Each kept journal that has graphs.
std::vector<std::filesystem::path> kept_journals() {
  std::vector<std::filesystem::path> all;
  auto data = std::filesystem::path{TROUPE_SOURCE_DIR} / "tests/data";
  for (int i = first_with_graphs; exists(data / ("journal-" + std::to_string(i))); ++i)
    all.push_back(data / ("journal-" + std::to_string(i)));
  EXPECT_FALSE(all.empty());
  return all;
}

class kept_formats : public durable_owner {
protected:
  void SetUp() override {
    for (const auto& called : of_its_node)
      roles[called] = make_role(called);
    durable_owner::SetUp();
  }
  /// The owner finds what the node had in its journal.
  void begin_with(kept_journal& kept) {
    journal.runs.clear();
    for (const auto& run : kept.runs())
      journal.runs[run] = kept.events_of(run);
    now = std::make_unique<life>(roles, counted, ++lives);
    by().tell(make_members({make_member(node_a, MEMBER_UP, 4, of_its_node)}));
    written();
  }
  std::string run_of(const std::string& graph) const {
    for (const auto& [run, events] : journal.runs)
      if (events[0].began().graph().name() == graph)
        return run;
    ADD_FAILURE() << "no run of " << graph;
    return {};
  }
  RunShown shown(const std::string& run) {
    RunAsked asked;
    asked.set_run(run);
    asked.set_steps(true);
    by().clear();
    by().ask(std::move(asked), client);
    written();
    return by().only<RunShown>();
  }

  const std::vector<std::string> of_its_node{"asker", "talker"}; ///< roles of scripts/keep_formats
};

TEST_F(kept_formats, of_journals_are_read_whole) {
  for (const auto& folder : kept_journals()) {
    SCOPED_TRACE(folder);
    kept_journal kept{folder};
    std::set<RunEvent::WhatCase> kinds;
    std::size_t largest = 0;
    for (const auto& run : kept.runs()) {
      for (auto keeps :
           {run_reader::keeps::nothing, run_reader::keeps::results, run_reader::keeps::steps}) {
        run_reader reader{run_from_bytes(run), node_a, keeps};
        for (bool whole = false; !whole;) {
          auto asked = reader.next();
          asked.set_bytes_max(100); // page by page
          auto page = kept.page(asked);
          auto taken = reader.take(page);
          ASSERT_TRUE(taken) << taken.error().message;
          whole = *taken;
        }
        ASSERT_TRUE(reader.run);
        EXPECT_TRUE(reader.run->state->invariants());
      }
      for (const auto& event : kept.events_of(run)) {
        kinds.insert(event.what_case());
        largest = std::max(largest, event.ByteSizeLong());
      }
    }
    for (auto kind : {RunEvent::kBegan, RunEvent::kResumed, RunEvent::kTaskStarted,
                      RunEvent::kTaskSucceeded, RunEvent::kTaskFailed, RunEvent::kCancelAsked,
                      RunEvent::kFinished, RunEvent::kStep, RunEvent::kLeft})
      EXPECT_TRUE(kinds.contains(kind)) << kind;
    EXPECT_GT(largest, std::size_t{64} << 10) << "a payload that is kept apart";
  }
}

TEST_F(kept_formats, of_runs_that_have_ended_are_shown_and_repeated) {
  for (const auto& folder : kept_journals()) {
    SCOPED_TRACE(folder);
    kept_journal kept{folder};
    begin_with(kept);
    auto kinds = run_of("kinds");
    auto told = shown(kinds);
    EXPECT_EQ(told.summary().phase(), RUN_FAILED);
    EXPECT_EQ(told.ended().tasks_size(), 6);
    std::size_t recorded = 0;
    for (const auto& step : told.steps())
      recorded += step.state() == STEP_RECORDED;
    EXPECT_EQ(recorded, 6u) << "of the first attempt at the first task nothing came";
    EXPECT_EQ(shown(run_of("cancelled")).summary().phase(), RUN_CANCELLED);

    by().clear();
    RunRetry again;
    again.set_run(kinds);
    again.set_failed(true);
    by().ask(std::move(again), client);
    written();
    auto brings = by().take_envelopes<BlobsKeep>();
    ASSERT_EQ(brings.size(), 1u) << "its file";
    by().give(reply_to(brings[0], BlobsStored{}));
    written();
    by().only<RunAccepted>();
    auto tasks = offers();
    ASSERT_EQ(tasks.size(), 1u) << "the task that failed";
    EXPECT_EQ(tasks[0].id(), "refused");
  }
}

TEST_F(kept_formats, of_a_run_that_goes_on_lead_to_its_end) {
  for (const auto& folder : kept_journals()) {
    SCOPED_TRACE(folder);
    kept_journal kept{folder};
    begin_with(kept);
    auto run = run_of("open");
    auto tasks = offers();
    ASSERT_EQ(tasks.size(), 1u) << "the other one is done";
    auto& task = tasks[0];
    EXPECT_EQ(task.id(), "talks");
    EXPECT_EQ(task.input().at("text").text(), "got quick");
    ASSERT_EQ(task.steps_size(), 2);
    EXPECT_NE(task.steps(0).kind(), 0u) << "recorded: it is not made again";
    EXPECT_EQ(task.steps(1).kind(), 0u) << "on its way when the node ended";
    ModelAnswer first;
    ASSERT_TRUE(parse_message(first, task.steps(0).outcome()));
    EXPECT_EQ(first.text(), "got got quick");

    auto made = about<StepsMade>(task);
    *made.add_steps() = task.steps(1);
    by().ask(made, address::of_agent(name{"talker#1"}, node_a));
    ModelAnswer answer;
    answer.set_text("the end");
    made.mutable_steps(0)->set_kind(static_cast<std::uint32_t>(payload_kind::ModelAnswer));
    made.mutable_steps(0)->set_outcome(answer.SerializeAsString());
    made.mutable_steps(0)->set_heard(2);
    by().ask(made, address::of_agent(name{"talker#1"}, node_a));
    written();
    EXPECT_EQ(by().take<StepsKept>().size(), 2u);
    done(task, "the end");
    written();
    auto ended = by().only<RunEnded>();
    EXPECT_TRUE(ended.ok());
    EXPECT_EQ(ended.result().text(), "the end");
    EXPECT_EQ(ended.unknown_steps(), 3u) << "begun in four lives of its owner";

    // What comes now stands behind what was there.
    const auto& events = journal.runs[run];
    auto there = kept.events_of(run).size();
    for (auto i = there; i < events.size(); ++i) {
      auto bytes = events[i].SerializeAsString();
      journal_entry one{run, bytes};
      auto appended = kept.store().append({&one, 1}, journal_write::synced);
      ASSERT_TRUE(appended) << appended.error().message;
    }
    EXPECT_TRUE(kept.store().open_runs()->empty());
    EXPECT_EQ(kept.events_of(run).size(), events.size());
  }
}

/// Also those of a version that did not list them.
TEST_F(kept_formats, of_runs_with_files_name_these) {
  for (const auto& folder : kept_journals()) {
    SCOPED_TRACE(folder);
    kept_journal kept{folder};
    begin_with(kept);
    const auto& began = journal.runs[run_of("kinds")][0].began();
    EXPECT_TRUE(*kept.store().names_blob(began.inputs().at("file").blob().sha256()));
  }
}

} // namespace
} // namespace troupe::tests
