#include "messages/envelope.hpp"
#include "nodes/cli/gathered_runs.hpp"
#include "nodes/cli/run_report.hpp"
#include "nodes/cli/runs_table.hpp"
#include "nodes/exit_codes.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

/// Durable runs as people and programs see them.
namespace troupe::cli {

namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr std::int64_t noon = 1'795'000'000'000;

owned_run made(std::uint64_t high, RunPhase phase, std::int64_t accepted_ms) {
  owned_run run;
  run.owner_name = "node-1";
  run.summary.set_run(to_bytes(run_id{high, 1}));
  run.summary.set_graph("digest");
  run.summary.set_phase(phase);
  run.summary.set_durability(DURABILITY_SYNC);
  run.summary.set_accepted_ms(accepted_ms);
  if (phase != RUN_GOES_ON)
    run.summary.set_ended_ms(accepted_ms + 3'400);
  run.summary.set_done(9);
  run.summary.set_total(18);
  return run;
}

TEST(runs_table, shows_what_goes_on_first_then_the_latest) {
  gathered_runs found;
  found.runs = {made(0xaaaaaaaa00000000, RUN_FAILED, noon),
                made(0xbbbbbbbb00000000, RUN_SUCCEEDED, noon + 5),
                made(0xcccccccc00000000, RUN_GOES_ON, noon - 1'000)};
  put_in_order(found, 20);
  EXPECT_FALSE(found.more);
  auto text = runs_text(found, noon + 125'000, false);
  EXPECT_EQ(text, "RUN       GRAPH   STATE      DONE  AGE        TOOK   NODE\n"
                  "cccccccc  digest  running    9/18  2 min 6 s  -      node-1\n"
                  "bbbbbbbb  digest  succeeded  9/18  2 min 4 s  3.4 s  node-1\n"
                  "aaaaaaaa  digest  failed     9/18  2 min 5 s  3.4 s  node-1\n");
  put_in_order(found, 2);
  EXPECT_EQ(found.runs.size(), 2u);
  EXPECT_THAT(runs_text(found, noon, false), HasSubstr("there are more"));
}

TEST(runs_table, gives_as_much_of_each_id_as_tells_them_apart) {
  gathered_runs found;
  found.runs = {made(0xaaaaaaaa10000000, RUN_FAILED, noon),
                made(0xaaaaaaaa20000000, RUN_FAILED, noon)};
  EXPECT_THAT(runs_text(found, noon, false),
              AllOf(HasSubstr("aaaaaaaa1 "), HasSubstr("aaaaaaaa2 ")));
}

TEST(runs_table, a_clock_that_goes_before_the_owners_makes_no_negative_age) {
  gathered_runs found;
  found.runs = {made(1, RUN_GOES_ON, noon)};
  EXPECT_THAT(runs_text(found, noon - 60'000, false), HasSubstr("0 ms"));
}

TEST(runs_table, says_which_nodes_did_not_answer) {
  gathered_runs found;
  EXPECT_EQ(missing_text(found), "");
  EXPECT_EQ(runs_text(found, noon, false), "no durable runs\n");
  found.silent.push_back({"node-2", "it is\ndown"});
  EXPECT_EQ(missing_text(found),
            "troupe: node-2 did not answer, its runs are not shown: it is\\ndown\n");
  auto told = runs_json(found);
  EXPECT_EQ(told.at("unanswered").at(0).at("node"), "node-2");
  EXPECT_TRUE(told.at("runs").empty());
}

TEST(runs_table, a_run_in_json_names_its_state_its_key_and_why_it_failed) {
  auto run = made(0xab00000000000000, RUN_FAILED, noon);
  run.summary.set_key("nightly");
  *run.summary.mutable_failure() = to_proto({ec::task_failed, "task read failed"});
  auto told = summary_json(run);
  EXPECT_EQ(told.at("run"), "ab000000000000000000000000000001");
  EXPECT_EQ(told.at("state"), "failed");
  EXPECT_EQ(told.at("durability"), "sync");
  EXPECT_EQ(told.at("key"), "nightly");
  EXPECT_EQ(told.at("error").at("message"), "task read failed");
  EXPECT_EQ(told.at("ended_ms"), noon + 3'400);
  EXPECT_TRUE(summary_json(made(1, RUN_GOES_ON, noon)).at("ended_ms").is_null());
}

run_outcome ended_with_two_unknown() {
  run_outcome outcome;
  outcome.ended.set_ok(true);
  outcome.ended.mutable_result()->set_text("x");
  outcome.ended.set_unknown_steps(2);
  auto& task = *outcome.ended.add_tasks();
  task.set_task("read[3]");
  task.set_label("read GPL-3");
  task.set_ok(true);
  task.set_attempts(2);
  task.set_unknown_steps(2);
  outcome.ended.add_tasks()->set_ok(true);
  return outcome;
}

TEST(runs_table, a_run_is_shown_with_its_tasks_and_what_may_have_been_paid_twice) {
  auto run = made(0xab00000000000000, RUN_SUCCEEDED, noon);
  run.summary.set_resumed(1);
  auto text = shown_text(run, ended_with_two_unknown(), noon, false);
  EXPECT_THAT(text, HasSubstr("run         ab000000000000000000000000000001\n"));
  EXPECT_THAT(text, HasSubstr("resumed     1 time\n"));
  EXPECT_THAT(text, HasSubstr("\npossibly paid twice: 2 calls\n"));
  EXPECT_THAT(text, HasSubstr("read GPL-3  done   2"));
  EXPECT_THAT(text, HasSubstr("`troupe runs attach ab000000` prints its result"));
  auto told = shown_json(run, ended_with_two_unknown());
  EXPECT_EQ(told.at("unknown_steps"), 2);
  EXPECT_EQ(told.at("tasks").at(0).at("unknown_steps"), 2);
  EXPECT_FALSE(shown_json(run, run_outcome{}).contains("result")) << "it was not told";
}

TEST(runs_table, a_task_that_waits_for_another_version_says_so) {
  run_outcome outcome;
  auto& task = *outcome.ended.add_tasks();
  task.set_task("read[0]");
  task.set_waits_for("version 1 of the mind reader (node-1 has version 2)");
  outcome.ended.add_tasks()->set_task("read[1]");
  auto run = made(0xab00000000000000, RUN_GOES_ON, noon);
  run.summary.set_waits_for_version(1);
  auto text = shown_text(run, outcome, noon, false);
  EXPECT_THAT(text, HasSubstr("\n1 task waits for a node with another version; `troupe runs retry "
                              "ab000000` begins anew without recorded calls\n"));
  EXPECT_THAT(text, HasSubstr("waits for version 1 of the mind reader (node-1 has version 2)"));
  auto told = shown_json(run, outcome);
  EXPECT_EQ(told.at("waits_for_version"), 1);
  EXPECT_EQ(told.at("tasks").at(0).at("waits_for"),
            "version 1 of the mind reader (node-1 has version 2)");
  EXPECT_FALSE(told.at("tasks").at(1).contains("waits_for"));
}

TEST(runs_table, a_run_that_goes_on_has_neither_succeeded_nor_failed) {
  run_outcome outcome;
  outcome.ended.add_tasks()->set_task("begun");
  outcome.ended.mutable_tasks(0)->set_attempts(1);
  outcome.ended.add_tasks()->set_task("later");
  auto run = made(1, RUN_GOES_ON, noon);
  auto text = shown_text(run, outcome, noon, false);
  EXPECT_THAT(text, AllOf(HasSubstr("begun  begun"), HasSubstr("later  waiting"),
                          Not(HasSubstr("failed"))));
  auto told = shown_json(run, outcome);
  EXPECT_FALSE(told.contains("ok"));
  EXPECT_EQ(told.at("state"), "running");
}

TEST(run_reports, say_what_may_have_been_paid_twice_and_for_which_task) {
  auto text = run_summary(ended_with_two_unknown());
  EXPECT_THAT(text, HasSubstr("troupe: task read GPL-3: possibly paid twice: 2 calls\n"));
  EXPECT_THAT(text, HasSubstr("troupe: possibly paid twice: 2 calls\n"));
  EXPECT_THAT(run_summary(run_outcome{}), Not(HasSubstr("paid twice")));
}

TEST(run_names, are_the_beginning_of_an_id) {
  EXPECT_EQ(id_prefix("4F2a"), "4f2a");
  for (auto wrong : {"", "4g", "node-1", "0123456789abcdef0123456789abcdef0"})
    EXPECT_FALSE(id_prefix(wrong)) << wrong;
}

TEST(run_names, mean_the_only_run_that_begins_so) {
  gathered_runs found;
  auto none = only_run(found, "ab");
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().exit_code, exit_failed);
  EXPECT_EQ(none.error().code, "not_found");
  found.silent.push_back({"node-2", "it is down"});
  auto perhaps = only_run(found, "ab");
  EXPECT_EQ(perhaps.error().exit_code, exit_unavailable) << "it may be there";
  EXPECT_THAT(perhaps.error().message, HasSubstr("node-2"));
  found.runs.push_back(made(0xab00000000000000, RUN_FAILED, noon));
  ASSERT_TRUE(only_run(found, "ab"));
  found.runs.push_back(made(0xab10000000000000, RUN_FAILED, noon));
  auto several = only_run(found, "ab");
  ASSERT_FALSE(several);
  EXPECT_EQ(several.error().exit_code, exit_usage);
  EXPECT_THAT(several.error().message,
              AllOf(HasSubstr("ab000000000000000000000000000001"), HasSubstr("give more")));
}

TEST(run_keys, have_one_owner_whichever_node_is_asked) {
  auto named = [](std::uint64_t id) {
    NodeInfo info;
    info.set_id(to_bytes(node_id{id, id}));
    info.set_name("node-" + std::to_string(id));
    return info;
  };
  std::set<std::string> owners;
  for (int key = 0; key < 50; ++key) {
    std::set<std::string> seen;
    for (std::uint64_t here = 1; here <= 3; ++here) {
      Welcome welcome;
      *welcome.mutable_node() = named(here);
      for (std::uint64_t other = 1; other <= 3; ++other) // the node may name itself too
        *welcome.add_members()->mutable_info() = named(other);
      auto place = owner_of_key("k" + std::to_string(key), welcome, {});
      EXPECT_EQ(place.owner_name, "node-" + std::to_string(place.owner.hi));
      seen.insert(place.owner_name);
    }
    EXPECT_EQ(seen.size(), 1u);
    owners.merge(seen);
  }
  EXPECT_EQ(owners.size(), 3u) << "they are spread";
}

} // namespace

} // namespace troupe::cli
