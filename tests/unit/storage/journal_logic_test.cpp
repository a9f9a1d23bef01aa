#include "actors/storage/journal_logic.hpp"

#include "messages/agents.pb.h"
#include "messages/runs.pb.h"

#include "tests/unit/storage/stage.hpp"

#include <string>
#include <vector>

using namespace troupe;

namespace {

/// Tells what is asked of it, and fails on demand.
class watched_journal final : public journal_store {
public:
  struct control {
    std::vector<std::string> calls;
    std::uint64_t free = std::uint64_t{1} << 40;
    bool broken = false;  ///< the next write fails, and nobody knows how
    bool damaged = false; ///< reading finds damage
  };
  explicit watched_journal(control& by) : by_(by) {}

  result<std::uint64_t> append(std::span<const journal_entry> entries, journal_write how) override {
    by_.calls.push_back((how == journal_write::synced ? "synced " : "unsynced ")
                        + std::to_string(entries.size()));
    if (by_.broken)
      return fail(ec::outcome_unknown, "a sync failed");
    return store_->append(entries, how);
  }
  result<void> sync() override {
    by_.calls.emplace_back("sync");
    if (by_.broken)
      return fail(ec::outcome_unknown, "a sync failed");
    return {};
  }
  result<std::vector<std::string>> open_runs() override { return store_->open_runs(); }
  result<std::optional<journal_page>> read(std::string_view run, std::uint64_t after,
                                           std::uint64_t bytes_max) override {
    if (by_.damaged)
      return fail(ec::bad_message, "record 2 is missing");
    return store_->read(run, after, bytes_max);
  }
  result<std::optional<std::string>> last(std::string_view run) override {
    return store_->last(run);
  }
  result<RunsFound> ended(RunPhase phase, std::string_view prefix, std::size_t at_most) override {
    return store_->ended(phase, prefix, at_most);
  }
  result<std::optional<std::string>> find(std::string_view tenant, std::string_view key) override {
    return store_->find(tenant, key);
  }
  result<std::optional<std::string>> find(std::uint64_t session, std::uint64_t number) override {
    return store_->find(session, number);
  }
  result<journal_removal> remove(std::string_view run) override { return store_->remove(run); }
  result<std::size_t> cut(std::int64_t before_ms, std::size_t at_most) override {
    by_.calls.push_back("cut " + std::to_string(before_ms));
    return store_->cut(before_ms, at_most);
  }
  result<bool> names_blob(std::string_view sha256) override { return store_->names_blob(sha256); }
  std::vector<std::string> take_released_blobs() override { return store_->take_released_blobs(); }
  result<std::uint64_t> free_bytes() override { return by_.free; }
  bool broken() const override { return by_.broken; }

private:
  control& by_;
  std::unique_ptr<journal_store> store_ = make_memory_journal(make_journal_medium());
};

std::string run_called(char letter) { return std::string(limits::run_id_bytes, letter); }

RunEvent began() {
  RunEvent made;
  made.mutable_began()->set_key("monthly");
  made.mutable_began()->set_session(7);
  made.mutable_began()->set_number(3);
  return made;
}
RunEvent started(std::uint32_t index) {
  RunEvent made;
  made.mutable_task_started()->set_index(index);
  return made;
}
RunEvent finished(std::int64_t ended_ms) {
  RunEvent made;
  made.mutable_finished()->mutable_summary()->set_ended_ms(ended_ms);
  made.mutable_finished()->mutable_summary()->set_phase(RUN_FAILED);
  return made;
}

JournalAppend append(char run, const std::vector<RunEvent>& events, bool unsynced = false) {
  JournalAppend made;
  for (const auto& one : events) {
    auto entry = made.add_entries();
    entry->set_run(run_called(run));
    entry->set_event(one.SerializeAsString());
  }
  made.set_unsynced(unsynced);
  return made;
}

JournalRead read(char run, std::uint64_t after = 0) {
  JournalRead made;
  made.set_run(run_called(run));
  made.set_after(after);
  made.set_bytes_max(1'000'000);
  return made;
}

class journal_service : public testing::Test {
protected:
  journal_service() {
    told_at_start = node.take();
    node.out.timers.clear();
    at.calls.clear();
  }
  static journal_logic::options options_for(std::vector<failure>& told) {
    journal_logic::options made;
    made.disk_failed = [&told](const failure& why) { told.push_back(why); };
    return made;
  }
  std::size_t replies() const { return node.out.sends.size(); }
  std::optional<std::chrono::nanoseconds> armed(std::uint32_t timer) const {
    std::optional<std::chrono::nanoseconds> found;
    for (const auto& one : node.out.timers)
      if (one.id == timer)
        found = one.after;
    return found;
  }

  watched_journal::control at;
  metrics counted;
  std::vector<failure> disk_failures;
  stage node{std::make_unique<journal_logic>(std::make_unique<watched_journal>(at), counted,
                                             options_for(disk_failures)),
             address::of(service::journal, {1, 1})};
  std::vector<envelope> told_at_start;
  static constexpr std::uint32_t sync_timer = 1, cut_timer = 2;
};

} // namespace

TEST_F(journal_service, the_coordinator_is_told_that_a_journal_is_there) {
  ASSERT_EQ(told_at_start.size(), 1u);
  EXPECT_EQ(told_at_start.front().target, address::of(service::coordinator, {1, 1}));
  EXPECT_TRUE(told_at_start.front().body.as<JournalStarted>());
}

TEST_F(journal_service, what_waits_is_written_with_one_sync_and_answered_in_order) {
  node.more_waits = true;
  auto first = node.ask(append('a', {began(), started(1)}));
  node.ask(append('b', {began()}, true));
  auto third = node.ask(append('a', {started(2)}));
  EXPECT_EQ(replies(), 0u) << "nothing is acknowledged before it is on disk";
  node.settle();
  EXPECT_EQ(at.calls, std::vector<std::string>{"synced 4"});
  ASSERT_EQ(replies(), 3u);
  EXPECT_EQ(node.out.sends.front().id.sequence, first);
  EXPECT_EQ(node.out.sends.back().id.sequence, third);
  for (auto& reply : node.take())
    EXPECT_TRUE(reply.body.as<JournalWritten>());
  auto text = counted.to_text();
  EXPECT_NE(text.find("troupe_journal_records_total 4\n"), std::string::npos);
  EXPECT_NE(text.find("troupe_journal_syncs_total 1\n"), std::string::npos);
  EXPECT_NE(text.find("troupe_journal_sync_duration_seconds_count 1\n"), std::string::npos);
  EXPECT_EQ(text.find("troupe_journal_bytes_total 0\n"), std::string::npos);
}

TEST_F(journal_service, what_is_unsynced_is_answered_at_once_and_synced_in_time) {
  ASSERT_EQ(code_of(node.reply_to_client(node.ask(append('a', {began()}, true)))), ec::none);
  EXPECT_EQ(armed(sync_timer), limits::journal_unsynced_time);
  node.out.timers.clear();
  node.ask(append('a', {started(1)}, true));
  EXPECT_EQ(armed(sync_timer), std::nullopt) << "the first one counts";
  node.step(timer_fired{sync_timer});
  EXPECT_EQ(at.calls, (std::vector<std::string>{"unsynced 1", "unsynced 1", "sync"}));
  at.calls.clear();
  node.out.timers.clear();
  node.ask(append('a', {started(2)}, true));
  node.ask(append('a', {started(3)}));
  EXPECT_EQ(at.calls, (std::vector<std::string>{"unsynced 1", "synced 1"}));
  EXPECT_EQ(armed(sync_timer), std::chrono::nanoseconds{0}) << "the synced write covers it";
  node.ask(append('a', {started(4)}, true));
  at.calls.clear();
  node.stop();
  EXPECT_EQ(at.calls, std::vector<std::string>{"sync"});
}

TEST_F(journal_service, readers_see_what_was_appended_before) {
  node.more_waits = true;
  node.ask(append('a', {began(), started(1)}));
  auto asked = node.ask(read('a', 1));
  auto reply = node.reply_to_client(asked);
  ASSERT_TRUE(reply);
  auto page = reply->body.as<JournalRecords>();
  ASSERT_TRUE(page);
  EXPECT_EQ(page->run(), run_called('a'));
  EXPECT_EQ(page->first(), 2u);
  ASSERT_EQ(page->events_size(), 1);
  EXPECT_EQ(page->events(0), started(1).SerializeAsString());
  EXPECT_FALSE(page->more());
  EXPECT_EQ(code_of(node.reply_to_client(node.ask(read('b')))), ec::not_found);
  auto open = node.reply_to_client(node.ask(JournalOpenAsked{}));
  ASSERT_TRUE(open && open->body.as<JournalOpen>());
  EXPECT_EQ(open->body.as<JournalOpen>()->runs_size(), 1);
  JournalFind by_key;
  by_key.set_tenant("");
  by_key.set_key("monthly");
  auto found = node.reply_to_client(node.ask(by_key));
  ASSERT_TRUE(found && found->body.as<JournalRun>());
  EXPECT_EQ(found->body.as<JournalRun>()->run(), run_called('a'));
  JournalFind by_number;
  by_number.set_session(7);
  by_number.set_number(4);
  found = node.reply_to_client(node.ask(by_number));
  ASSERT_TRUE(found && found->body.as<JournalRun>());
  EXPECT_EQ(found->body.as<JournalRun>()->run(), "");
}

TEST_F(journal_service, ended_runs_are_listed_and_forgotten) {
  JournalDelete gone;
  gone.set_run(run_called('a'));
  EXPECT_EQ(code_of(node.reply_to_client(node.ask(gone))), ec::not_found);
  node.ask(append('a', {began()}));
  EXPECT_EQ(code_of(node.reply_to_client(node.ask(gone))), ec::invalid_argument);
  node.ask(append('a', {finished(5)}));
  JournalEndedAsked list;
  auto listed = node.reply_to_client(node.ask(list));
  ASSERT_TRUE(listed && listed->body.as<RunsFound>());
  ASSERT_EQ(listed->body.as<RunsFound>()->runs_size(), 1);
  EXPECT_EQ(listed->body.as<RunsFound>()->runs(0).run(), run_called('a'));
  EXPECT_EQ(code_of(node.reply_to_client(node.ask(gone))), ec::none);
  EXPECT_EQ(code_of(node.reply_to_client(node.ask(read('a')))), ec::not_found);
}

TEST_F(journal_service, an_append_that_does_not_fit_keeps_out_no_other) {
  node.more_waits = true;
  auto good = node.ask(append('a', {began()}));
  auto bad = node.ask(append('b', {started(1)}));
  auto later = node.ask(append('a', {started(1)}));
  node.settle();
  EXPECT_EQ(code_of(node.reply_to_client(good)), ec::none);
  EXPECT_EQ(code_of(node.reply_to_client(bad)), ec::invalid_argument);
  EXPECT_EQ(code_of(node.reply_to_client(later)), ec::none);
  EXPECT_TRUE(disk_failures.empty());
}

TEST_F(journal_service, without_space_no_run_begins_and_accepted_ones_go_on) {
  node.ask(append('a', {began()}));
  at.free = limits::storage_free_bytes_min - 1;
  auto begins = append('b', {began()});
  begins.set_begins(true);
  auto reply = node.reply_to_client(node.ask(begins));
  ASSERT_TRUE(reply);
  auto why = failure_in(*reply);
  ASSERT_TRUE(why);
  EXPECT_EQ(why->code, ec::storage_failed);
  EXPECT_NE(why->message.find("storage.free_min is 256 MiB"), std::string::npos) << why->message;
  EXPECT_NE(why->message.find("has 255 MiB free"), std::string::npos) << why->message;
  EXPECT_EQ(code_of(node.reply_to_client(node.ask(append('a', {started(1)})))), ec::none);
  at.free = limits::storage_free_bytes_min;
  EXPECT_EQ(code_of(node.reply_to_client(node.ask(begins))), ec::none);
  EXPECT_TRUE(disk_failures.empty());
}

TEST_F(journal_service, a_write_or_a_sync_that_failed_and_damage_end_the_node) {
  node.ask(append('a', {began()}, true));
  at.broken = true;
  EXPECT_EQ(code_of(node.reply_to_client(node.ask(append('a', {started(1)})))),
            ec::outcome_unknown);
  ASSERT_EQ(disk_failures.size(), 1u);
  node.step(timer_fired{sync_timer});
  ASSERT_EQ(disk_failures.size(), 2u);
  EXPECT_EQ(disk_failures.back().code, ec::outcome_unknown);
  at.broken = false;
  at.damaged = true;
  EXPECT_EQ(code_of(node.reply_to_client(node.ask(read('a')))), ec::bad_message);
  ASSERT_EQ(disk_failures.size(), 3u);
  EXPECT_EQ(disk_failures.back().code, ec::bad_message);
}

TEST_F(journal_service, runs_that_ended_long_ago_are_forgotten_in_bounded_steps) {
  auto now_ms = std::chrono::floor<std::chrono::milliseconds>(node.now.time_since_epoch()).count();
  auto retention_ms = std::chrono::milliseconds{limits::journal_retention}.count();
  for (char run = 'a'; run <= 'c'; ++run)
    node.ask(append(run, {began(), finished(now_ms - retention_ms - (run == 'c' ? 0 : 1))}));
  at.calls.clear();
  node.step(timer_fired{cut_timer});
  EXPECT_EQ(at.calls, std::vector<std::string>{"cut " + std::to_string(now_ms - retention_ms)});
  EXPECT_EQ(armed(cut_timer), limits::journal_cut_every);
  EXPECT_EQ(code_of(node.reply_to_client(node.ask(read('b')))), ec::not_found);
  EXPECT_EQ(code_of(node.reply_to_client(node.ask(read('c')))), ec::none);
  for (std::size_t i = 0; i < limits::journal_cut_runs_max; ++i) {
    JournalAppend old;
    for (const auto& one : {began(), finished(1)}) {
      auto entry = old.add_entries();
      auto text = std::to_string(i);
      entry->set_run(std::string(limits::run_id_bytes - text.size(), '0') + text);
      entry->set_event(one.SerializeAsString());
    }
    node.ask(std::move(old));
  }
  node.out.timers.clear();
  node.step(timer_fired{cut_timer});
  EXPECT_EQ(armed(cut_timer), limits::journal_cut_pause) << "there may be more";
}

TEST_F(journal_service, events_and_strangers_are_refused) {
  EXPECT_EQ(code_of(node.reply_to_client(node.ask(SnapshotGet{}))), ec::bad_message);
  node.step(make_envelope(message_kind::event, node.self(), JournalOpenAsked{}));
  EXPECT_EQ(replies(), 0u);
}
