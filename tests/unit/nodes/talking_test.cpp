#include "messages/agents.pb.h"
#include "messages/cluster.pb.h"
#include "messages/runs.pb.h"
#include "nodes/cli/live_status.hpp"
#include "nodes/cli/progress_line.hpp"
#include "nodes/cli/reply_printer.hpp"
#include "nodes/cli/run_report.hpp"
#include "nodes/exit_codes.hpp"

#include <gtest/gtest.h>

#include <cstdlib>

/// What people see while they wait, and at the end.
namespace troupe::cli {

using namespace std::chrono_literals;

namespace {

Piece piece(std::uint32_t attempt, const std::string& text, bool restarted = false) {
  Piece made;
  made.set_attempt(attempt);
  made.set_text(text);
  made.set_restarted(restarted);
  return made;
}

/// What was printed to a stream.
class captured {
public:
  captured() : stream_(::open_memstream(&bytes_, &size_)) {}
  ~captured() {
    std::fclose(stream_);
    std::free(bytes_);
  }
  std::FILE* stream() { return stream_; }
  std::string text() {
    std::fflush(stream_);
    return {bytes_, size_};
  }

private:
  char* bytes_ = nullptr;
  std::size_t size_ = 0;
  std::FILE* stream_;
};

TaskOutcome task(const std::string& id, bool ok) {
  TaskOutcome made;
  made.set_task(id);
  made.set_label(id);
  made.set_ok(ok);
  made.set_attempts(ok ? 1 : 3);
  made.set_node("n");
  return made;
}

} // namespace

TEST(reply_printer, each_character_is_printed_once) {
  reply_printer printer({});
  EXPECT_EQ(printer.piece(piece(1, "one ")), "one ");
  EXPECT_EQ(printer.piece(piece(1, "two")), "two");
  EXPECT_EQ(printer.end("one two three"), " three\n");
}

TEST(reply_printer, an_answer_without_pieces_is_printed_whole) {
  EXPECT_EQ(reply_printer({}).end("all of it\n"), "all of it\n");
  EXPECT_EQ(reply_printer({}).end(""), "\n");
}

TEST(reply_printer, a_new_attempt_begins_on_a_new_line_and_says_so) {
  reply_printer printer({});
  printer.piece(piece(1, "half an ans"));
  EXPECT_EQ(printer.piece(piece(2, "whole", true)), "\n[the answer starts again]\nwhole");
  EXPECT_EQ(printer.piece(piece(1, "late")), "");
  EXPECT_EQ(printer.end("whole"), "\n");
}

TEST(reply_printer, an_answer_that_is_not_what_its_pieces_said_is_printed_again) {
  reply_printer printer({});
  printer.piece(piece(1, "abc"));
  EXPECT_EQ(printer.end("xyz"), "\n[the answer starts again]\nxyz\n");
}

TEST(reply_printer, an_answer_cannot_command_the_terminal) {
  terminal place;
  place.is_terminal = true;
  EXPECT_EQ(reply_printer(place).end("a\x1b[2Jb\tc"), "a?[2Jb\tc\n");
  EXPECT_EQ(reply_printer({}).end("a\x1b[2Jb"), "a\x1b[2Jb\n"); // a file gets it unchanged
}

TEST(progress, is_redrawn_in_place_on_a_terminal_and_not_too_often) {
  captured out;
  terminal place;
  place.is_terminal = true;
  place.columns = 10;
  progress_line::clock::time_point now{};
  {
    progress_line line(place, out.stream());
    line.show("one", now);
    line.show("two", now + 1ms);
    line.show("three", now + 1ms, true);
    line.show("four is longer than the line", now + 1s);
  }
  EXPECT_EQ(out.text(), "\rone\x1b[K\rthree\x1b[K\rfour is l\x1b[K\r\x1b[K");
}

TEST(progress, is_an_occasional_line_elsewhere) {
  captured out;
  progress_line::clock::time_point now{};
  {
    progress_line line({}, out.stream());
    line.show("one", now);
    line.show("two", now + 1s);
    line.show("three", now + 3s);
  }
  EXPECT_EQ(out.text(), "one\nthree\n");
}

TEST(progress, tells_done_running_and_waiting) {
  RunProgress progress;
  progress.set_done(9);
  progress.set_total(18);
  progress.set_running(3);
  progress.set_waiting(4);
  progress.set_queued(2);
  progress.set_last("read GPL-3");
  EXPECT_EQ(run_progress(progress, 60),
            "[=====>    ] 9/18 done, 3 running, 6 waiting (read GPL-3)");
  progress.set_waits_for_version(2);
  progress.set_waits_for("version 1 of the mind chat (node-b has version 2)");
  EXPECT_EQ(
      run_progress(progress, 60),
      "[=====>    ] 9/18 done, 3 running, 6 waiting, 2 of them for version 1 of the mind chat "
      "(node-b has version 2) (read GPL-3)");
}

TEST(live_status, sums_up_the_cluster) {
  ClusterStatus status;
  for (int i = 0; i < 2; ++i) {
    auto& node = *status.add_nodes();
    node.set_state(i == 0 ? MEMBER_UP : MEMBER_DOWN);
    node.set_tasks_done(5);
    node.set_rss_bytes(10 << 20);
  }
  EXPECT_EQ(status_line(status),
            "1 of 2 nodes up, 10 tasks done, 0 running, 0 queued, 0 agents, 20 MiB");
  status.mutable_nodes()->RemoveLast();
  status.mutable_nodes(0)->set_tasks_done(1);
  status.mutable_nodes(0)->set_agents(1);
  EXPECT_EQ(status_line(status),
            "1 of 1 node up, 1 task done, 0 running, 0 queued, 1 agent, 10 MiB");
}

TEST(run_report, a_text_is_printed_as_it_is_and_other_values_as_json) {
  RunEnded ended;
  EXPECT_EQ(result_text(ended), "");
  ended.mutable_result()->set_text("# Report");
  EXPECT_EQ(result_text(ended), "# Report\n");
  ended.mutable_result()->mutable_list()->add_items()->set_integer(1);
  EXPECT_EQ(result_text(ended), "[\n  1\n]\n");
}

TEST(run_report, failed_tasks_are_named_with_node_attempts_and_reason) {
  run_outcome outcome;
  outcome.node_names["n"] = "node-2";
  outcome.why = "1 of 2 tasks failed";
  *outcome.ended.add_tasks() = task("read[0]", true);
  auto failed = task("read[1]", false);
  failed.mutable_failure()->set_code(static_cast<std::uint32_t>(ec::provider_failed));
  failed.mutable_failure()->set_message("the model broke");
  *outcome.ended.add_tasks() = failed;
  outcome.ended.set_duration_us(1'500'000);
  EXPECT_EQ(run_summary(outcome),
            "troupe: task read[1] failed on node-2 after 3 attempts: the model broke\n"
            "troupe: the run failed after 1.5 s: 1 of 2 tasks failed\n");
  auto told = run_json(outcome, trace_id{1, 2});
  EXPECT_EQ(told.at("trace_id"), "00000000000000010000000000000002");
  EXPECT_EQ(told.at("ok"), false);
  EXPECT_EQ(told.at("duration_ms"), 1500.0);
  EXPECT_EQ(told.at("tasks").at(1).at("error").at("code"), "provider_failed");
  EXPECT_EQ(told.at("tasks").at(0).at("node"), "node-2");
}

TEST(run_report, what_the_models_cost_is_told) {
  run_outcome outcome;
  outcome.ended.set_ok(true);
  outcome.ended.set_duration_us(2'000'000);
  outcome.ended.set_cost_nano_usd(4'210'000);
  *outcome.ended.add_tasks() = task("a", true);
  EXPECT_EQ(run_summary(outcome), "1 task done in 2.0 s on 1 node for $0.0042; `troupe trace last` "
                                  "shows where the time went\n");
  EXPECT_DOUBLE_EQ(run_json(outcome, trace_id{1, 2}).at("cost_usd"), 0.00421);
}

TEST(run_report, cancelled_tasks_are_counted_and_not_listed) {
  run_outcome outcome;
  outcome.why = "interrupted";
  outcome.exit_code = exit_interrupted;
  *outcome.ended.add_tasks() = task("a", true);
  for (int i = 0; i < 2; ++i) {
    auto cancelled = task("b", false);
    cancelled.mutable_failure()->set_code(static_cast<std::uint32_t>(ec::cancelled));
    *outcome.ended.add_tasks() = cancelled;
  }
  EXPECT_EQ(run_summary(outcome),
            "troupe: the run was stopped after less than 1 ms: interrupted; 1 of 3 tasks "
            "done, 2 cancelled\n");
}

} // namespace troupe::cli
