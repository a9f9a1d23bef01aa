#include "actors/storage/state_logic.hpp"
#include "config/limits/messages.hpp"
#include "config/limits/work.hpp"
#include "messages/agents.pb.h"

#include "tests/unit/storage/stage.hpp"

using namespace troupe;

namespace {

/// Fails when it is told to.
class fragile_store final : public state_store {
public:
  explicit fragile_store(const bool& broken) : broken_(broken) {}
  result<std::optional<Snapshot>> get(std::string_view agent) override {
    return broken_ ? fail(ec::storage_failed, "reading failed") : store_->get(agent);
  }
  result<void> put(std::string_view agent, const Snapshot& snapshot) override {
    return broken_ ? fail(ec::storage_failed, "writing failed") : store_->put(agent, snapshot);
  }
  result<std::uint64_t> count() override { return store_->count(); }

private:
  const bool& broken_;
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

  bool broken = false;
  stage node{std::make_unique<state_logic>(std::make_unique<fragile_store>(broken)),
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
