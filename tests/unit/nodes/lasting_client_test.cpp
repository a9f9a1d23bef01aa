#include "config/limits/links.hpp"
#include "messages/agents.pb.h"
#include "messages/cluster.pb.h"
#include "messages/runs.pb.h"
#include "nodes/lasting_client.hpp"
#include "tests/support/node/whole_node.hpp"
#include "tests/support/proxy.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <ctime>

namespace troupe::test {

namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using troupe::tests::proxy;

/// A link on which a run is accepted, and which is lost then.
class short_link final : public client {
public:
  explicit short_link(Durability durability) : durability_(durability) {}
  const Welcome& welcome() const override { return welcome_; }
  address self() const override { return address::of_session({77}); }
  result<message_id> send(envelope message, std::chrono::milliseconds) override {
    RunAccepted accepted;
    accepted.set_run(std::string(16, 'r'));
    accepted.set_durability(durability_);
    answer_ = reply_to(message, std::move(accepted));
    return message.id;
  }
  result<std::optional<envelope>> receive(std::chrono::milliseconds) override {
    if (!answer_)
      return fail(ec::unavailable, "the link was lost");
    return std::exchange(answer_, std::nullopt);
  }
  void attend() override {}

private:
  Durability durability_;
  Welcome welcome_;
  std::optional<envelope> answer_;
};

/// A whole node, and a client attached to it through a door that fails on demand.
class lasting : public ::testing::Test {
protected:
  /// What happens to the next piece of data from the node or the client.
  enum class next { pass, cut_answer, cut_request, hold_all };

  lasting() {
    node_.emplace(1);
    place_ = node_->listen();
    door_.emplace(place_, [this](bool from_client, std::string_view) {
      auto wanted = next_.load();
      if (wanted == next::hold_all)
        return proxy::fate::hold;
      if (wanted == (from_client ? next::cut_request : next::cut_answer)) {
        next_ = next::pass;
        return proxy::fate::cut;
      }
      return proxy::fate::pass;
    });
  }

  client_options options(const std::string& peer) const {
    client_options made;
    made.peer = peer;
    made.cluster = "tests";
    made.secret = "secret";
    return made;
  }
  std::unique_ptr<client> attach() {
    auto first = client::connect(options(door_->address()));
    EXPECT_TRUE(first) << (first ? "" : first.error().message);
    lasting_options how;
    how.doors = {options(door_->address()), options(place_)};
    how.interrupt_fd = interrupt_fd_;
    how.time_max = time_max_;
    how.tell = [this](const std::string& line) { told_.push_back(line); };
    return make_lasting(std::move(*first), std::move(how));
  }
  static envelope saying(std::string text) {
    AgentMessage message;
    message.set_text(std::move(text));
    return make_envelope(message_kind::request, address::of_agent(name{"librarian/ada"}),
                         std::move(message));
  }
  /// The text of the answer, or the error code.
  static std::string answer_in(result<envelope> reply) {
    if (!reply)
      return std::string{to_string(reply.error().code)} + ": " + reply.error().message;
    if (auto why = failure_in(*reply))
      return std::string{to_string(why->code)} + ": " + why->message;
    auto answer = reply->body.as<AgentReply>();
    return answer ? answer->text() : "no answer";
  }
  int messages_done() {
    auto text = node_->host().counted.to_text();
    std::string wanted = "agent_tasks_processed_total{agent_id=\"librarian\",status=\"success\","
                         "task_type=\"message\"} ";
    auto at = text.find(wanted);
    return at == std::string::npos ? 0 : std::stoi(text.substr(at + wanted.size()));
  }

  std::atomic<next> next_{next::pass};
  int interrupt_fd_ = -1;
  std::chrono::milliseconds time_max_{10s};
  std::vector<std::string> told_;
  std::optional<whole_node> node_;
  std::string place_;
  std::optional<proxy> door_;
};

TEST_F(lasting, a_message_whose_answer_was_lost_is_answered_and_was_done_once) {
  auto cluster = attach();
  next_ = next::cut_answer;
  EXPECT_EQ(answer_in(cluster->request(saying("Remember: the stapler is red."), 20s)),
            "I shall remember that.");
  EXPECT_EQ(messages_done(), 1);
  ASSERT_EQ(told_.size(), 2u);
  EXPECT_THAT(told_[0], HasSubstr("was lost"));
  EXPECT_THAT(told_[1], HasSubstr("reconnected to"));
  // The session is the same, so the agent still knows it.
  EXPECT_EQ(answer_in(cluster->request(saying("Remember: the stapler is red."), 20s)),
            "I was told that before (what I was told (1)).");
}

TEST_F(lasting, a_message_that_never_came_is_not_done_again_by_whom_it_may_have_reached) {
  auto cluster = attach();
  next_ = next::cut_request; // the node is younger than the slack, so it cannot be sure
  EXPECT_THAT(answer_in(cluster->request(saying("Remember: the stapler is red."), 20s)),
              HasSubstr("outcome_unknown: "));
  EXPECT_EQ(messages_done(), 0);
}

TEST_F(lasting, what_changes_nothing_is_asked_again) {
  auto cluster = attach();
  for (auto how : {next::cut_answer, next::cut_request}) {
    next_ = how;
    auto reply = cluster->request(
        make_envelope(message_kind::request, address::of(service::desk), StatusQuery{}), 20s);
    ASSERT_TRUE(reply) << reply.error().message;
    EXPECT_TRUE(reply->body.as<NodeStatus>() || reply->body.as<ClusterStatus>());
  }
}

TEST_F(lasting, a_run_is_submitted_again_over_the_next_link_unless_it_is_durable) {
  for (auto durability : {DURABILITY_SYNC, DURABILITY_ASYNC, DURABILITY_OFF, DURABILITY_DEFAULT}) {
    lasting_options how;
    how.doors = {options(place_)};
    auto cluster = make_lasting(std::make_unique<short_link>(durability), how);
    auto accepted = cluster->request(
        make_envelope(message_kind::request, address::of(service::coordinator), RunSubmit{}), 5s);
    ASSERT_TRUE(accepted) << accepted.error().message;
    EXPECT_EQ(cluster->returns(), 0u);
    bool durable = durability == DURABILITY_SYNC || durability == DURABILITY_ASYNC;
    // The node has never heard of the submission, and says so to who repeats it.
    auto next = cluster->receive(durable ? 300ms : 20s);
    ASSERT_TRUE(next) << next.error().message;
    EXPECT_EQ(cluster->returns(), 1u);
    EXPECT_EQ(next->has_value(), !durable);
  }
}

TEST_F(lasting, a_node_that_is_silent_is_left_for_another_way) {
  auto cluster = attach();
  next_ = next::hold_all;
  EXPECT_THAT(answer_in(cluster->request(saying("Remember: the stapler is red."), 20s)),
              HasSubstr("outcome_unknown: "));
}

TEST_F(lasting, with_nobody_to_come_back_to_what_left_is_of_unknown_outcome) {
  time_max_ = 500ms;
  auto cluster = attach();
  next_ = next::hold_all;
  auto sent = cluster->send(saying("Remember: the stapler is red."), 5s);
  EXPECT_TRUE(sent);
  door_.reset();
  node_.reset();
  auto heard = cluster->receive(20s);
  ASSERT_FALSE(heard);
  EXPECT_EQ(heard.error().code, ec::outcome_unknown);
  EXPECT_THAT(heard.error().message, HasSubstr("look before you send it again"));
}

TEST_F(lasting, with_nobody_to_come_back_to_what_did_not_leave_was_surely_not_done) {
  time_max_ = 500ms;
  auto cluster = attach();
  door_.reset();
  node_.reset();
  // A receive notices the loss first, so the message is sent when there is no link any more.
  auto nothing = cluster->receive(100ms);
  EXPECT_TRUE(nothing);
  auto begun = std::chrono::steady_clock::now();
  auto reply = cluster->request(saying("Remember: the stapler is red."), 20s);
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().code, ec::unavailable) << reply.error().message;
  EXPECT_LT(std::chrono::steady_clock::now() - begun, 5s);
}

TEST_F(lasting, an_interrupt_ends_the_wait_for_a_node) {
  interrupt_fd_ = ::eventfd(0, EFD_CLOEXEC);
  auto cluster = attach();
  door_.reset();
  node_.reset();
  ::eventfd_write(interrupt_fd_, 1);
  for (int i = 0; i < 3; ++i)
    if (auto heard = cluster->receive(5s); !heard) {
      EXPECT_EQ(heard.error().code, ec::cancelled);
      ::close(interrupt_fd_);
      return;
    }
  FAIL() << "it was not interrupted";
}

TEST_F(lasting, a_kept_reply_is_given_up_once_it_was_received) {
  auto cluster = attach();
  auto id = cluster->send(saying("Remember: the stapler is red."), 5s);
  ASSERT_TRUE(id);
  std::optional<envelope> reply;
  while (!reply) {
    auto heard = cluster->receive(10s);
    ASSERT_TRUE(heard && *heard);
    if ((*heard)->kind == message_kind::reply)
      reply = std::move(**heard);
  }
  // A later request on the same link is answered after the acknowledgement was read.
  EXPECT_THAT(answer_in(cluster->request(saying("What colour is the stapler?"), 10s)),
              HasSubstr("red"));
  // A client without this protocol: the same session repeats a request that was already answered.
  auto wanted = options(place_);
  wanted.session = cluster->self().session;
  auto again = client::connect(wanted);
  ASSERT_TRUE(again);
  auto repeated = saying("Remember: the stapler is red.");
  repeated.id = *id;
  repeated.attempt = 2;
  EXPECT_THAT(answer_in((*again)->request(std::move(repeated), 10s)),
              HasSubstr("outcome_unknown: "));
}

// -- the one link under it ------------------------------------------------------------------------

std::chrono::nanoseconds processor_time() {
  timespec used{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
  return std::chrono::seconds{used.tv_sec} + std::chrono::nanoseconds{used.tv_nsec};
}

Echo echo() { return {}; }

class one_link : public lasting {
protected:
  result<message_id> send_echo(std::chrono::milliseconds at_most) {
    return link_->send(
        make_envelope(message_kind::request, address::of_agent(name{"echo/1"}), echo()), at_most);
  }
  std::unique_ptr<client> link_ = *client::connect(options(door_->address()));
};

TEST_F(one_link, a_send_that_finds_no_room_waits_without_spinning_and_gives_up) {
  next_ = next::hold_all;
  for (std::size_t i = 0; i < limits::link_unanswered_max; ++i)
    ASSERT_TRUE(send_echo(1s));
  auto before = processor_time();
  auto begun = std::chrono::steady_clock::now();
  auto refused = send_echo(400ms);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ec::overloaded);
  EXPECT_GE(std::chrono::steady_clock::now() - begun, 400ms);
  EXPECT_LT(processor_time() - before, 100ms);
}

TEST_F(one_link, a_send_reads_while_it_waits_and_keeps_no_more_than_it_may) {
  std::size_t sent = 0;
  while (sent <= 3 * limits::link_unanswered_max && send_echo(2s))
    ++sent;
  EXPECT_GE(sent, limits::link_unanswered_max);
  EXPECT_LE(sent, 3 * limits::link_unanswered_max);
  // It may exceed the limit by one read of the socket, of messages with at least 32 bytes each.
  for (std::size_t i = 0; i < 64 * 1024 / 32; ++i)
    EXPECT_TRUE(*link_->receive(2s));
  EXPECT_TRUE(send_echo(2s)) << "there is room again";
}

TEST_F(one_link, what_was_handed_over_when_the_link_went_is_of_unknown_outcome) {
  next_ = next::cut_answer;
  auto reply = link_->request(saying("Remember: the stapler is red."), 10s);
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().code, ec::outcome_unknown) << reply.error().message;
  EXPECT_THAT(reply.error().message, HasSubstr("look before you send it again"));
}

TEST_F(one_link, a_question_that_was_lost_is_not_called_unknown) {
  next_ = next::cut_answer;
  auto reply = link_->request(
      make_envelope(message_kind::request, address::of(service::desk), StatusQuery{}), 10s);
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().code, ec::unavailable) << reply.error().message;
}

// -- what a newer version sends
// ---------------------------------------------------------------------

class newer_version : public one_link {
protected:
  /// The node's answer to a message.
  std::string answer_to(envelope message) {
    message.kind = message.kind == message_kind::event ? message_kind::request : message.kind;
    auto sent = link_->send(std::move(message), 2s);
    EXPECT_TRUE(sent);
    auto begun = std::chrono::steady_clock::now();
    auto reply = link_->receive(5s);
    EXPECT_LT(std::chrono::steady_clock::now() - begun, 1s);
    if (!reply || !*reply)
      return "no reply";
    EXPECT_EQ((*reply)->id, *sent);
    auto why = failure_in(**reply);
    return why ? std::string{to_string(why->code)} + ": " + why->message : "no failure";
  }
};

TEST_F(newer_version, is_told_what_this_one_does_not_know_and_keeps_its_link) {
  auto odd_payload =
      make_envelope(message_kind::request, address::of_agent(name{"echo/1"}), echo());
  odd_payload.body = payload::from_wire(payload_kind{143}, byte_slice::copy_of("x"));
  EXPECT_THAT(answer_to(std::move(odd_payload)),
              ::testing::AllOf(HasSubstr("bad_message: node-1 (troupe "),
                               HasSubstr("does not know messages of kind 143")));
  auto odd_sort =
      make_envelope(static_cast<message_kind>(9), address::of_agent(name{"echo/1"}), echo());
  EXPECT_THAT(answer_to(std::move(odd_sort)), HasSubstr("messages of the sort 9"));
  auto odd_place = make_envelope(message_kind::request, address{}, echo());
  odd_place.target.what = static_cast<address::kind>(9);
  EXPECT_THAT(answer_to(std::move(odd_place)), HasSubstr("places of kind 9"));
  auto odd_service = make_envelope(message_kind::request, address{}, echo());
  odd_service.target = address::of(static_cast<service>(99));
  EXPECT_THAT(answer_to(std::move(odd_service)), HasSubstr("a service 99"));
  EXPECT_TRUE(send_echo(2s));
  auto well = link_->receive(5s);
  ASSERT_TRUE(well && *well);
  EXPECT_NE((*well)->body.as<Echo>(), nullptr) << "the link works on";
  EXPECT_THAT(node_->host().counted.to_text(),
              HasSubstr("troupe_messages_unreadable_total{kind=\"unknown\"} 4"));
}

} // namespace

} // namespace troupe::test
