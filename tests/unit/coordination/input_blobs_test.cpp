#include "actors/coordination/input_blobs.hpp"

#include "config/limits/runs.hpp"
#include "config/limits/storage.hpp"
#include "messages/agents.pb.h"
#include "messages/values.pb.h"
#include "tests/unit/coordination/durable_runs_fixture.hpp"

#include <string>
#include <vector>

/// The files that the inputs of durable runs name come to their owner before the run is accepted.
namespace troupe::tests {
namespace {

inline constexpr std::uint32_t timer_inputs = 10;

class run_with_files : public durable_owner {
protected:
  static Value file(char letter, node_id holder = node_b) {
    Value made;
    made.mutable_blob()->set_sha256(std::string(32, letter));
    made.mutable_blob()->set_size_bytes(5);
    made.mutable_blob()->set_holder(to_bytes(holder));
    return made;
  }
  RunSubmit with_files(const std::vector<Value>& files, const std::string& key = "") {
    auto made = submission(graph_of(R"(
graph: reading
inputs: {files: {type: list, required: true}}
tasks:
  - {id: each, role: reader, for_each: $inputs.files, input: {one: $item}}
)"));
    (*made.mutable_inputs())["files"] = list_value(files);
    made.set_key(key);
    return made;
  }
  /// The only request that blobs be kept.
  envelope keep_asked() {
    auto all = by().take_envelopes<BlobsKeep>();
    EXPECT_EQ(all.size(), 1u);
    if (all.empty())
      return {};
    EXPECT_EQ(all[0].target, address::of(service::blobs, node_a));
    return std::move(all[0]);
  }
  void kept(envelope& asked) { by().give(reply_to(asked, BlobsStored{})); }
};

TEST_F(run_with_files, is_accepted_when_they_are_on_the_owners_disk) {
  by().ask(with_files({file('x'), file('y')}), client);
  written();
  EXPECT_TRUE(by().take<RunAccepted>().empty());
  EXPECT_TRUE(journal.runs.empty());
  auto asked = keep_asked();
  EXPECT_EQ(asked.body.as<BlobsKeep>()->blobs_size(), 2);
  kept(asked);
  EXPECT_TRUE(by().take<RunAccepted>().empty()) << "it is not in the journal yet";
  written();
  auto run = by().only<RunAccepted>().run();
  const auto& files = journal.runs[run][0].began().inputs().at("files").list();
  ASSERT_EQ(files.items_size(), 2);
  for (const auto& one : files.items())
    EXPECT_EQ(node_from_bytes(one.blob().holder()), node_a) << "where it stays";
  auto tasks = offers();
  ASSERT_EQ(tasks.size(), 2u);
  EXPECT_EQ(node_from_bytes(tasks[0].input().at("one").blob().holder()), node_a);
}

TEST_F(run_with_files, is_refused_if_one_does_not_come) {
  by().ask(with_files({file('x')}), client);
  auto asked = keep_asked();
  by().give(reply_failure(asked, {ec::unavailable, "x could not be obtained: node-b is down"}));
  written();
  auto why = from_proto(by().only<Failure>());
  EXPECT_EQ(why.code, ec::unavailable);
  EXPECT_NE(why.message.find("node-b is down"), std::string::npos);
  EXPECT_TRUE(journal.runs.empty());
}

TEST_F(run_with_files, is_refused_if_they_take_too_long) {
  by().ask(with_files({file('x')}), client);
  auto asked = keep_asked();
  ASSERT_TRUE(by().armed(timer_inputs));
  by().now += limits::run_inputs_time_max;
  by().fire(timer_inputs);
  EXPECT_EQ(from_proto(by().only<Failure>()).code, ec::timed_out);
  kept(asked); // too late
  written();
  EXPECT_TRUE(by().take<RunAccepted>().empty());
  EXPECT_TRUE(journal.runs.empty());
}

TEST_F(run_with_files, asks_for_many_in_several_messages) {
  std::vector<Value> many_files(limits::blobs_per_message_max + 1, file('x'));
  by().ask(with_files(many_files), client);
  auto first = keep_asked();
  EXPECT_EQ(static_cast<std::size_t>(first.body.as<BlobsKeep>()->blobs_size()),
            limits::blobs_per_message_max);
  kept(first);
  auto rest = keep_asked();
  EXPECT_EQ(rest.body.as<BlobsKeep>()->blobs_size(), 1);
  kept(rest);
  written();
  by().only<RunAccepted>();
}

TEST_F(run_with_files, begins_once_however_often_it_is_submitted) {
  auto submit = [&](std::uint16_t attempt, std::uint64_t number) {
    auto sent = make_envelope(message_kind::request, address::of(service::coordinator, node_a),
                              with_files({file('x')}, "monthly"));
    sent.sender = client;
    sent.id = {client.session, number};
    sent.attempt = attempt;
    by().give(std::move(sent));
  };
  submit(1, 1);
  written(); // the key is not known
  auto asked = keep_asked();
  submit(2, 1); // the client has lost its link
  submit(1, 2); // another one with the same key
  written();
  EXPECT_TRUE(by().take<BlobsKeep>().empty());
  kept(asked);
  written();
  auto answers = by().take<RunAccepted>();
  ASSERT_EQ(answers.size(), 3u);
  for (const auto& answer : answers)
    EXPECT_EQ(answer.run(), answers[0].run());
  EXPECT_EQ(journal.runs.size(), 1u);
}

TEST_F(run_with_files, brings_them_again_when_it_is_repeated) {
  by().ask(with_files({file('x')}), client);
  auto asked = keep_asked();
  kept(asked);
  written();
  auto run = by().only<RunAccepted>().run();
  work_off();
  written();
  by().clear();
  RunRetry again;
  again.set_run(run);
  by().ask(std::move(again), client);
  written();
  asked = keep_asked();
  EXPECT_EQ(node_from_bytes(asked.body.as<BlobsKeep>()->blobs(0).holder()), node_a);
  by().give(reply_failure(asked, {ec::not_found, "x is not on this node"}));
  EXPECT_EQ(from_proto(by().only<Failure>()).code, ec::not_found);
}

TEST_F(run_with_files, that_waits_for_them_is_answered_when_its_owner_stops) {
  by().ask(with_files({file('x')}), client);
  keep_asked();
  by().stop();
  EXPECT_EQ(from_proto(by().only<Failure>()).code, ec::unavailable);
}

TEST_F(run_with_files, that_is_not_durable_or_has_none_waits_for_nothing) {
  auto off = with_files({file('x')});
  off.set_durability(DURABILITY_OFF);
  by().ask(std::move(off), client);
  by().only<RunAccepted>();
  by().ask(with_files({text_value("no file")}), client);
  written();
  by().only<RunAccepted>();
  EXPECT_TRUE(by().take<BlobsKeep>().empty());
}

} // namespace
} // namespace troupe::tests
