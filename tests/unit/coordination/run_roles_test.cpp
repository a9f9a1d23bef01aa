#include "config/limits/runs.hpp"
#include "persistence/sha256.hpp"
#include "tests/unit/coordination/versions_fixture.hpp"

#include <string>

/// A durable run keeps the roles that it began with.
namespace troupe::tests {
namespace {

using kept_roles = owner_of_versions;

TEST_F(kept_roles, stand_in_the_first_event_of_the_run) {
  by().ask(spread(), client);
  auto events = journal_of_hand::unwritten(by());
  ASSERT_EQ(events.size(), 1u);
  const auto& began = events[0].began();
  ASSERT_EQ(began.roles_size(), 1) << "the editor is compiled in";
  EXPECT_EQ(began.roles(0).name(), "reader");
  EXPECT_EQ(began.roles(0).definition(), reader_file("before"));
  EXPECT_EQ(began.roles(0).hash(), short_sha256(reader_file("before")));
}

TEST_F(kept_roles, go_with_a_task_as_a_hash_while_nobody_has_others) {
  accepted(many(1));
  auto task = offers().at(0);
  EXPECT_EQ(task.role_hash(), roles["reader"]->definition_hash);
  EXPECT_EQ(task.role_definition(), "");
  restart();
  task = offers().at(0);
  EXPECT_EQ(task.role_hash(), roles["reader"]->definition_hash);
  EXPECT_EQ(task.role_definition(), "") << "the owner still has it";
}

TEST_F(kept_roles, come_along_when_the_owner_has_others_by_now) {
  accepted(many(1));
  EXPECT_EQ(offers().at(0).time_ms(), 7'000u);
  roles["reader"] = make_role("reader");
  restart();
  auto task = offers().at(0);
  EXPECT_EQ(task.role_hash(), short_sha256(reader_file("before")));
  EXPECT_EQ(task.role_definition(), reader_file("before"));
  EXPECT_EQ(task.time_ms(), 7'000u) << "its limits are kept, too";
  auto later = accepted(many(1));
  EXPECT_EQ(offers().at(0).role_definition(), "") << "the next run takes the role as it is";
  EXPECT_EQ(journal.runs[later].front().began().roles_size(), 0);
}

TEST_F(kept_roles, come_along_when_a_node_has_others) {
  accepted(many(2));
  members({node_a, node_b});
  auto all = offers();
  ASSERT_EQ(all.size(), 2u);
  refuse(all[0], node_a, REFUSED_WITHOUT_ROLE);
  auto again = offers();
  ASSERT_EQ(again.size(), 1u);
  EXPECT_EQ(again[0].index(), all[0].index());
  EXPECT_EQ(again[0].attempt(), all[0].attempt()) << "that was none";
  EXPECT_EQ(again[0].role_definition(), reader_file("before"));
  refuse(all[1], node_a, REFUSED_WITHOUT_ROLE); // it was on its way before
  again = offers();
  ASSERT_EQ(again.size(), 1u) << "it is no reason to wait";
  EXPECT_EQ(again[0].role_definition(), reader_file("before"));
}

TEST_F(kept_roles, are_not_those_of_runs_that_are_off) {
  auto wanted = submission(many(1));
  wanted.set_durability(DURABILITY_OFF);
  by().ask(std::move(wanted), client);
  EXPECT_EQ(offers().at(0).role_hash(), 0u);
}

TEST_F(kept_roles, of_cheap_tasks_are_not_those_of_the_owner_when_it_has_others_by_now) {
  auto file = [](const std::string& word) {
    return "role: noop\ndescription: " + word + "\nmind: noop\n";
  };
  auto made = parse_role(file("before"), "noop.yaml");
  ASSERT_TRUE(made);
  roles["noop"] = std::make_shared<role>(*made);
  restart();
  by().ask(submission(many(1, "noop")), client);
  written();
  EXPECT_TRUE(by().only<RunEnded>().ok()) << "done at once";
  by().ask(submission(many(1, "noop")), client);
  auto began = std::move(by().take_envelopes<JournalAppend>().at(0)); // never answered
  RunEvent event;
  ASSERT_TRUE(event.ParseFromString(began.body.as<JournalAppend>()->entries(0).event()));
  journal.runs[began.body.as<JournalAppend>()->entries(0).run()] = {event};
  made = parse_role(file("now"), "noop.yaml");
  ASSERT_TRUE(made);
  roles["noop"] = std::make_shared<role>(*made);
  restart();
  auto tasks = offers();
  ASSERT_EQ(tasks.size(), 1u);
  EXPECT_EQ(tasks[0].role_definition(), file("before"));
}

TEST_F(kept_roles, that_are_too_large_refuse_the_run) {
  auto huge = std::make_shared<role>(*roles["reader"]);
  huge->definition.resize(limits::run_roles_bytes_max + 1);
  roles["reader"] = huge;
  restart();
  by().ask(submission(many(1)), client);
  EXPECT_EQ(from_proto(by().only<Failure>()).code, ec::too_large);
  auto off = submission(many(1));
  off.set_durability(DURABILITY_OFF);
  by().ask(std::move(off), client);
  by().only<RunAccepted>();
}

TEST_F(kept_roles, that_the_owner_cannot_read_are_left_to_other_nodes) {
  auto run = accepted(many(1));
  auto& kept = *journal.runs[run].front().mutable_began()->mutable_roles(0);
  kept.set_definition("role: reader\nmind: telepath\n");
  kept.set_hash(short_sha256(kept.definition()));
  restart();
  auto task = offers().at(0);
  EXPECT_EQ(task.role_hash(), kept.hash());
  EXPECT_EQ(task.role_definition(), kept.definition());
}

} // namespace
} // namespace troupe::tests
