#include "actors/storage/state_logic.hpp"
#include "config/limits/messages.hpp"
#include "config/limits/storage.hpp"
#include "config/limits/work.hpp"
#include "messages/agents.pb.h"
#include "messages/runs.pb.h"

#include "tests/unit/storage/stage.hpp"

#include <algorithm>
#include <string>
#include <vector>

using namespace troupe;

namespace {

/// A store that fails on demand.
class fragile_store final : public state_store {
public:
  fragile_store(const bool& broken, const bool& lost) : broken_(broken), lost_(lost) {}
  result<std::optional<Snapshot>> get(std::string_view agent) override {
    return broken_ ? fail(ec::storage_failed, "reading failed") : store_->get(agent);
  }
  result<std::vector<StepsMade>> open_messages_of(std::string_view agent) override {
    return store_->open_messages_of(agent);
  }
  using state_store::put;
  result<std::vector<std::string>> put(std::span<const state_write> many) override {
    ++writes;
    if (lost_)
      return fail(ec::outcome_unknown, "a sync failed");
    if (broken_)
      return fail(ec::storage_failed, "writing failed");
    for (const auto& one : many)
      if (one.agent == "librarian/damaged")
        return fail(ec::storage_failed, "its note is damaged");
    return store_->put(many);
  }
  result<bool> names(std::string_view hash) override { return store_->names(hash); }
  result<std::uint64_t> free_bytes() override { return free; }
  bool broken() const override { return lost_; }
  result<std::uint64_t> count() override { return store_->count(); }

  std::size_t writes = 0; ///< tried
  std::uint64_t free = std::uint64_t{1} << 40;

private:
  const bool& broken_;
  const bool& lost_; ///< the state of the disk is unknown
  std::unique_ptr<state_store> store_ = make_memory_state_store();
};

class state : public testing::Test {
protected:
  static SnapshotPut put(std::string agent, std::uint64_t version, std::string bytes) {
    SnapshotPut made;
    made.set_agent(std::move(agent));
    made.mutable_snapshot()->set_version(version);
    made.mutable_snapshot()->set_state(std::move(bytes));
    return made;
  }
  static SnapshotGet get(std::string agent) {
    SnapshotGet made;
    made.set_agent(std::move(agent));
    return made;
  }

  static StepsMade steps(std::string agent, std::uint64_t message, std::uint32_t number) {
    StepsMade made;
    made.mutable_message()->set_agent(std::move(agent));
    made.mutable_message()->set_session(77);
    made.mutable_message()->set_number(message);
    made.add_steps()->set_number(number);
    return made;
  }

  std::unique_ptr<state_store> make_store() {
    auto made = std::make_unique<fragile_store>(broken, lost);
    store = made.get();
    return made;
  }

  bool broken = false, lost = false;
  std::size_t disk_failures = 0;
  fragile_store* store = nullptr;
  stage node{
      std::make_unique<state_logic>(make_store(), [this](const failure&) { ++disk_failures; }),
      address::of(service::state, {1, 1})};
};

} // namespace

TEST_F(state, an_unknown_agent_has_no_snapshot) {
  auto reply = node.reply_to_client(node.ask(get("librarian/a")));
  ASSERT_TRUE(reply && reply->body.as<SnapshotFound>());
  EXPECT_FALSE(reply->body.as<SnapshotFound>()->found());
}

TEST_F(state, what_was_put_is_found) {
  auto written = node.reply_to_client(node.ask(put("librarian/a", 3, "bytes")));
  ASSERT_TRUE(written && written->body.as<SnapshotWritten>());
  EXPECT_EQ(written->body.as<SnapshotWritten>()->version(), 3u);
  EXPECT_EQ(written->sender, node.self());
  auto found = node.reply_to_client(node.ask(get("librarian/a")));
  ASSERT_TRUE(found && found->body.as<SnapshotFound>());
  EXPECT_TRUE(found->body.as<SnapshotFound>()->found());
  EXPECT_EQ(found->body.as<SnapshotFound>()->snapshot().state(), "bytes");
  EXPECT_EQ(found->body.as<SnapshotFound>()->snapshot().version(), 3u);
}

TEST_F(state, a_failed_write_is_answered_as_such_and_logged) {
  node.ask(put("librarian/a", 1, "old"));
  broken = true;
  EXPECT_EQ(code_of(node.reply_to_client(node.ask(put("librarian/a", 2, "new")))),
            ec::storage_failed);
  EXPECT_EQ(code_of(node.reply_to_client(node.ask(get("librarian/a")))), ec::storage_failed);
  ASSERT_EQ(node.out.logs.size(), 2u);
  EXPECT_EQ(node.out.logs[0].level, log_level::error);
  broken = false;
  auto found = node.reply_to_client(node.ask(get("librarian/a")));
  EXPECT_EQ(found->body.as<SnapshotFound>()->snapshot().state(), "old");
}

TEST_F(state, names_that_are_none_and_states_too_large_are_refused) {
  EXPECT_EQ(code_of(node.reply_to_client(node.ask(get("")))), ec::invalid_argument);
  auto long_name = std::string(limits::agent_name_bytes_max + 1, 'x');
  EXPECT_EQ(code_of(node.reply_to_client(node.ask(put(long_name, 1, "")))), ec::invalid_argument);
  auto large = std::string(limits::agent_state_bytes_max + 1, 'x');
  EXPECT_EQ(code_of(node.reply_to_client(node.ask(put("a/b", 1, large)))), ec::too_large);
  auto fits = std::string(limits::agent_state_bytes_max, 'x');
  EXPECT_EQ(code_of(node.reply_to_client(node.ask(put("a/b", 1, fits)))), ec::none);
}

TEST_F(state, other_messages_are_refused_or_dropped) {
  EXPECT_EQ(code_of(node.reply_to_client(node.ask(Echo{}))), ec::bad_message);
  node.step(make_envelope(message_kind::event, node.self(), put("a/b", 1, "x")));
  node.step(timer_fired{1});
  EXPECT_TRUE(node.take().empty());
  auto found = node.reply_to_client(node.ask(get("a/b")));
  EXPECT_FALSE(found->body.as<SnapshotFound>()->found());
}

TEST_F(state, which_blobs_are_named_is_known_and_names_that_go_are_told_to_the_blobs) {
  std::string one(32, '1'), two(32, '2');
  auto names = put("librarian/a", 1, "x");
  names.add_blobs(one);
  names.add_blobs(two);
  node.ask(names);
  EXPECT_EQ(node.take().size(), 1u) << "the answer only";
  BlobsNamed asked;
  asked.add_sha256(std::string(32, '3'));
  asked.add_sha256(two);
  auto reply = node.reply_to_client(node.ask(asked));
  auto named = reply ? reply->body.as<BlobsNamed>() : nullptr;
  ASSERT_TRUE(named);
  EXPECT_FALSE(named->unknown());
  ASSERT_EQ(named->sha256_size(), 1);
  EXPECT_EQ(named->sha256(0), two);

  auto fewer = put("librarian/a", 2, "y");
  fewer.add_blobs(two);
  auto written = node.ask(fewer);
  EXPECT_EQ(code_of(node.reply_to_client(written)), ec::none);
  auto news = node.take();
  ASSERT_EQ(news.size(), 1u);
  EXPECT_EQ(news[0].target, address::of(service::blobs, {1, 1}));
  ASSERT_TRUE(news[0].body.as<BlobsHeld>());
  ASSERT_EQ(news[0].body.as<BlobsHeld>()->sha256_size(), 1);
  EXPECT_EQ(news[0].body.as<BlobsHeld>()->sha256(0), one);
}

TEST_F(state, the_node_is_told_when_nothing_is_known_of_the_disk_any_more) {
  broken = true;
  node.ask(put("librarian/a", 1, "x"));
  EXPECT_EQ(disk_failures, 0u) << "refused before anything was written";
  lost = true;
  EXPECT_EQ(code_of(node.reply_to_client(node.ask(put("librarian/a", 1, "x")))),
            ec::outcome_unknown);
  EXPECT_EQ(disk_failures, 1u);
}

TEST_F(state, what_comes_together_is_written_together) {
  node.more_waits = true;
  std::string one(32, '1'), two(32, '2');
  auto with_blob = [](SnapshotPut made, const std::string& hash) {
    made.add_blobs(hash);
    return made;
  };
  auto first = node.ask(with_blob(put("librarian/a", 1, "a"), one));
  auto second = node.ask(with_blob(put("librarian/b", 4, "b"), two));
  auto wrong = node.ask(put("", 1, "x"));
  EXPECT_EQ(code_of(node.reply_to_client(wrong)), ec::invalid_argument);
  EXPECT_TRUE(node.take().empty()) << "nothing is on disk yet";
  EXPECT_EQ(store->writes, 0u);
  node.settle();
  EXPECT_EQ(store->writes, 1u);
  auto written = node.reply_to_client(first);
  ASSERT_TRUE(written && written->body.as<SnapshotWritten>());
  EXPECT_EQ(written->body.as<SnapshotWritten>()->version(), 1u);
  written = node.reply_to_client(second);
  ASSERT_TRUE(written && written->body.as<SnapshotWritten>());
  EXPECT_EQ(written->body.as<SnapshotWritten>()->version(), 4u);

  node.ask(put("librarian/a", 2, "a2"));
  node.ask(put("librarian/b", 5, "b2"));
  node.settle();
  auto answers = node.take();
  ASSERT_EQ(answers.size(), 3u);
  auto news = std::find_if(answers.begin(), answers.end(), [](const envelope& message) {
    return message.body.kind() == payload_kind::BlobsHeld;
  });
  ASSERT_NE(news, answers.end());
  EXPECT_EQ(news->body.as<BlobsHeld>()->sha256_size(), 2) << "of both agents, in one message";
  node.settle();
  EXPECT_TRUE(node.take().empty());
  EXPECT_EQ(store->writes, 2u);
}

TEST_F(state, what_is_read_meanwhile_is_what_was_put_before) {
  node.more_waits = true;
  auto first = node.ask(put("librarian/a", 1, "old"));
  auto second = node.ask(put("librarian/a", 2, "new"));
  EXPECT_EQ(store->writes, 1u) << "an agent stands in one write once";
  auto found = node.reply_to_client(node.ask(get("librarian/a")));
  ASSERT_TRUE(found && found->body.as<SnapshotFound>());
  EXPECT_EQ(found->body.as<SnapshotFound>()->snapshot().state(), "new");
  EXPECT_EQ(code_of(node.reply_to_client(first)), ec::none);
  EXPECT_EQ(code_of(node.reply_to_client(second)), ec::none);
}

TEST_F(state, what_is_read_of_others_meanwhile_does_not_part_a_write) {
  node.ask(put("librarian/b", 1, "b"));
  EXPECT_EQ(store->writes, 1u);
  node.more_waits = true;
  auto first = node.ask(put("librarian/a", 1, "a"));
  auto found = node.reply_to_client(node.ask(get("librarian/b")));
  ASSERT_TRUE(found && found->body.as<SnapshotFound>());
  EXPECT_EQ(found->body.as<SnapshotFound>()->snapshot().state(), "b");
  auto second = node.ask(put("librarian/c", 1, "c"));
  EXPECT_EQ(store->writes, 1u);
  node.settle();
  EXPECT_EQ(store->writes, 2u);
  EXPECT_EQ(code_of(node.reply_to_client(first)), ec::none);
  EXPECT_EQ(code_of(node.reply_to_client(second)), ec::none);
}

TEST_F(state, which_blobs_are_named_counts_what_was_put_before) {
  node.more_waits = true;
  std::string hash(32, '1');
  auto made = put("librarian/a", 1, "a");
  made.add_blobs(hash);
  node.ask(std::move(made));
  BlobsNamed asked;
  asked.add_sha256(hash);
  auto named = node.reply_to_client(node.ask(asked));
  ASSERT_TRUE(named && named->body.as<BlobsNamed>());
  EXPECT_EQ(named->body.as<BlobsNamed>()->sha256_size(), 1);
}

TEST_F(state, a_write_of_many_is_bounded_by_their_bytes) {
  node.more_waits = true;
  auto large = std::string(limits::agent_state_bytes_max, 'x');
  for (std::size_t i = 0; i * large.size() < limits::state_batch_bytes_max; ++i) {
    EXPECT_EQ(store->writes, 0u);
    node.ask(put("librarian/" + std::to_string(i), 1, large));
  }
  EXPECT_EQ(store->writes, 1u);
}

TEST_F(state, of_a_write_that_fails_everybody_hears) {
  node.more_waits = true;
  auto first = node.ask(put("librarian/a", 1, "a"));
  auto second = node.ask(put("librarian/b", 1, "b"));
  lost = true;
  node.settle();
  EXPECT_EQ(code_of(node.reply_to_client(first)), ec::outcome_unknown);
  EXPECT_EQ(code_of(node.reply_to_client(second)), ec::outcome_unknown);
  EXPECT_EQ(disk_failures, 1u);
}

TEST_F(state, one_that_cannot_be_written_keeps_out_no_other) {
  node.more_waits = true;
  auto first = node.ask(put("librarian/a", 1, "a"));
  auto damaged = node.ask(put("librarian/damaged", 1, "x"));
  auto last = node.ask(put("librarian/b", 1, "b"));
  node.settle();
  EXPECT_EQ(code_of(node.reply_to_client(first)), ec::none);
  EXPECT_EQ(code_of(node.reply_to_client(damaged)), ec::storage_failed);
  EXPECT_EQ(code_of(node.reply_to_client(last)), ec::none);
}

TEST_F(state, what_is_gathered_is_written_before_the_end) {
  node.more_waits = true;
  auto last = node.ask(put("librarian/a", 1, "a"));
  node.stop();
  EXPECT_EQ(code_of(node.reply_to_client(last)), ec::none);
}

TEST_F(state, a_change_of_what_is_there_is_written_like_a_state) {
  node.ask(put("librarian/a", 1, "old"));
  SnapshotPut given;
  given.set_agent("librarian/a");
  given.mutable_change()->set_version(2);
  given.mutable_change()->set_offset(3);
  given.mutable_change()->set_inserted("er");
  auto written = node.reply_to_client(node.ask(given));
  ASSERT_TRUE(written && written->body.as<SnapshotWritten>());
  EXPECT_EQ(written->body.as<SnapshotWritten>()->version(), 2u);
  auto found = node.reply_to_client(node.ask(get("librarian/a")));
  EXPECT_EQ(found->body.as<SnapshotFound>()->snapshot().state(), "older");
  EXPECT_EQ(code_of(node.reply_to_client(node.ask(given))), ec::storage_failed)
      << "it is there already";
}

TEST_F(state, steps_of_messages_are_kept_beside_the_state_until_they_are_settled) {
  node.ask(put("librarian/a", 1, "x"));
  node.take();
  node.more_waits = true;
  auto first = node.ask(steps("librarian/a", 7, 1)), second = node.ask(steps("librarian/a", 7, 2));
  EXPECT_TRUE(node.take().empty()) << "nothing is on disk yet";
  node.settle();
  EXPECT_EQ(store->writes, 2u) << "both with one sync";
  for (auto asked : {first, second}) {
    auto kept = node.reply_to_client(asked);
    EXPECT_TRUE(kept && kept->body.as<StepsKept>());
  }
  auto read = node.reply_to_client(node.ask(get("librarian/a")));
  auto found = read ? read->body.as<SnapshotFound>() : nullptr;
  ASSERT_TRUE(found);
  EXPECT_EQ(found->snapshot().state(), "x");
  ASSERT_EQ(found->open_size(), 1);
  EXPECT_EQ(found->open(0).message().number(), 7u);
  EXPECT_EQ(found->open(0).steps_size(), 2);
  node.ask(steps("librarian/a", 7, 3));
  auto done = put("librarian/a", 2, "y");
  done.add_settled()->set_session(77);
  done.mutable_settled(0)->set_number(7);
  node.ask(done);
  node.settle();
  read = node.reply_to_client(node.ask(get("librarian/a")));
  EXPECT_EQ(read->body.as<SnapshotFound>()->open_size(), 0) << "what was told before goes, too";
}

TEST_F(state, steps_that_are_too_large_or_of_nobody_are_refused) {
  EXPECT_EQ(code_of(node.reply_to_client(node.ask(steps("", 7, 1)))), ec::invalid_argument);
  auto strange = steps("librarian/a", 7, 1);
  strange.mutable_message()->clear_session();
  EXPECT_EQ(code_of(node.reply_to_client(node.ask(strange))), ec::invalid_argument);
  auto large = steps("librarian/a", 7, 1);
  large.mutable_steps(0)->set_outcome(std::string(limits::open_messages_bytes_max, 'x'));
  EXPECT_EQ(code_of(node.reply_to_client(node.ask(large))), ec::too_large);
  EXPECT_EQ(store->writes, 0u);
}

TEST_F(state, without_space_states_change_and_shrink_but_do_not_grow) {
  node.ask(put("librarian/a", 1, "abc"));
  store->free = limits::storage_free_bytes_min - 1;
  auto reply = node.reply_to_client(node.ask(put("librarian/a", 2, "abcd")));
  ASSERT_TRUE(reply);
  auto why = failure_in(*reply);
  ASSERT_TRUE(why);
  EXPECT_EQ(why->code, ec::storage_failed);
  EXPECT_NE(why->message.find("no new fact is taken"), std::string::npos) << why->message;
  EXPECT_NE(why->message.find("storage.free_min is 256 MiB"), std::string::npos) << why->message;
  node.more_waits = true;
  auto grown = node.ask(put("librarian/new", 1, "x"));
  auto same = node.ask(put("librarian/a", 2, "cba"));
  node.settle();
  EXPECT_EQ(code_of(node.reply_to_client(grown)), ec::storage_failed) << "there was none before";
  EXPECT_EQ(code_of(node.reply_to_client(same)), ec::none);
  SnapshotPut change;
  change.set_agent("librarian/a");
  change.mutable_change()->set_version(3);
  change.mutable_change()->set_removed(1);
  change.mutable_change()->set_inserted("xy");
  EXPECT_EQ(disk_failures, 0u);
  auto longer = node.ask(change);
  node.settle();
  EXPECT_EQ(code_of(node.reply_to_client(longer)), ec::storage_failed);
  auto begun = node.ask(steps("librarian/a", 7, 1));
  node.settle();
  EXPECT_EQ(code_of(node.reply_to_client(begun)), ec::none) << "what was accepted goes on";
  store->free = limits::storage_free_bytes_min;
  node.more_waits = false;
  EXPECT_EQ(code_of(node.reply_to_client(node.ask(put("librarian/a", 3, "abcd")))), ec::none);
}
