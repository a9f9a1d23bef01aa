#include "config/limits/links.hpp"
#include "config/limits/units.hpp"
#include "messages/agents.pb.h"
#include "messages/cluster.pb.h"
#include "messages/runs.pb.h"
#include "tests/unit/host/stage.hpp"

namespace troupe::test {

namespace {

using testing::HasSubstr;

constexpr node_id other{2, 2};

class post_between : public stage {
protected:
  void publish(MemberState state) {
    auto view = std::make_shared<member_view>();
    for (auto id : {self, other}) {
      member one;
      one.id = id;
      one.state = id == self ? MEMBER_UP : state;
      one.info.set_id(to_bytes(id));
      one.info.set_name(id == self ? "node-1" : "node-2");
      one.info.set_address("127.0.0.1:4712");
      view->members.push_back(std::move(one));
    }
    host_.post->publish(std::move(view));
  }

  /// A name whose home is the other node.
  name at_home_elsewhere() {
    for (int i = 0;; ++i)
      if (name agent{"echo/" + std::to_string(i)}; home_of(agent, *host_.post->view()) == other)
        return agent;
  }
};

} // namespace

TEST_F(post_between, refuses_a_request_to_a_service_that_is_not_there) {
  auto number = ask(address::of(service::coordinator), "hello");
  auto refused = next_answer();
  EXPECT_THAT(refused, refuses(number, ec::unavailable));
  EXPECT_THAT(refused.text, HasSubstr("coordinator is being restarted"));
}

TEST_F(post_between, drops_an_event_that_nobody_takes) {
  tell(address::of(service::coordinator), "hello");
  auto number = ask(address::of(service::coordinator), "hello");
  EXPECT_THAT(next_answer(), refuses(number, ec::unavailable)) << "the event was answered";
}

TEST_F(post_between, says_that_an_answer_is_too_large_to_be_sent) {
  auto link = std::make_shared<outbox>(limits::link_bytes_max);
  host_.post->attach_session({42}, link);
  Echo large;
  large.set_bytes(std::string(limits::payload_bytes_max + 1, 'x'));
  host_.post->send(make_envelope(message_kind::reply, address::of_session({42}), large));
  EXPECT_GT(link->waiting(), 0u) << "who asked hears nothing";
  EXPECT_LT(link->waiting(), 1'000u);
}

TEST_F(post_between, gives_a_message_for_an_agent_that_is_not_active_to_the_roles_service) {
  auto roles = run(address::of(service::roles), answering());
  auto number = ask(address::of_agent(name{"echo/1"}), "hello");
  EXPECT_THAT(next_answer(), answers(number, "hello"));
  stop(roles);
}

TEST_F(post_between, names_the_node_that_cannot_be_reached_and_what_is_known_of_it) {
  publish(MEMBER_DOWN);
  auto number = ask(address::of_agent(at_home_elsewhere()), "hello");
  auto refused = next_answer();
  EXPECT_THAT(refused, refuses(number, ec::unavailable));
  EXPECT_THAT(refused.text, HasSubstr("node-2 (127.0.0.1:4712), which is down"));
}

TEST_F(post_between, serves_a_named_agent_at_its_home_only_whatever_the_target_says) {
  auto roles = run(address::of(service::roles), answering());
  publish(MEMBER_UP);
  auto agent_elsewhere = at_home_elsewhere();
  auto number = ask(address::of_agent(agent_elsewhere, self), "hello");
  auto refused = next_answer();
  EXPECT_THAT(refused, refuses(number, ec::unavailable));
  EXPECT_THAT(refused.text, HasSubstr("is at home on node-2 (127.0.0.1:4712)"));
  number = ask(address::of_agent(name{"echo#1"}, self), "hello"); // a slot is on its own node
  EXPECT_THAT(next_answer(), answers(number, "hello"));
  stop(roles);
}

TEST_F(post_between, has_no_agent_at_home_before_the_members_are_known) {
  auto roles = run(address::of(service::roles), answering());
  host_.post->publish(std::make_shared<member_view>());
  for (auto node : {node_id{}, self}) {
    auto number = ask(address::of_agent(name{"echo/1"}, node), "hello");
    auto refused = next_answer();
    EXPECT_THAT(refused, refuses(number, ec::unavailable));
    EXPECT_THAT(refused.text, HasSubstr("the home of echo/1 is not known yet"));
  }
  stop(roles);
}

TEST_F(post_between, does_not_say_that_a_node_is_up_as_the_reason_why_it_cannot_be_reached) {
  publish(MEMBER_UP); // up, but there is no link
  auto number = ask(address::of_agent(at_home_elsewhere()), "hello");
  auto refused = next_answer();
  EXPECT_THAT(refused, refuses(number, ec::unavailable));
  EXPECT_THAT(refused.text, HasSubstr("but the link to it was just lost; try again"));
}

/// The post as in nodes: with the contracts.
class strict_post : public post_between {
protected:
  strict_post() {
    publish(MEMBER_UP);
    strict_.publish(host_.post->view());
    strict_.attach_session({42}, client_);
    strict_.attach_peer(other, member_);
  }
  envelope from_client(address whom, message_kind kind = message_kind::request) {
    auto message = make_envelope(kind, std::move(whom), TaskDone{});
    message.sender = address::of_session({42});
    message.id = {{42}, 1};
    return message;
  }

  metrics counted_;
  post strict_{self, counted_};
  std::shared_ptr<outbox> client_ = std::make_shared<outbox>(limits::link_bytes_max);
  std::shared_ptr<outbox> member_ = std::make_shared<outbox>(limits::link_bytes_max);
};

TEST_F(strict_post, answers_a_request_that_its_sender_may_not_send_and_counts_it) {
  strict_.send(from_client(address::of(service::coordinator)));
  EXPECT_EQ(counted_.plain().messages_refused, 1u);
  EXPECT_GT(client_->waiting(), 0u) << "who asked hears nothing";
}

TEST_F(strict_post, drops_an_event_that_its_sender_may_not_send_and_counts_it) {
  std::vector<envelope> batch;
  batch.push_back(from_client(address::of(service::coordinator), message_kind::event));
  batch.push_back(from_client(address::of(service::coordinator), message_kind::event));
  strict_.send_all(batch);
  EXPECT_EQ(counted_.plain().messages_refused, 2u);
  EXPECT_EQ(client_->waiting(), 0u);
}

TEST_F(strict_post, relays_nothing_from_one_node_to_another) {
  auto message =
      make_envelope(message_kind::request, address::of(service::desk, {3, 3}), StatusQuery{});
  message.sender = address::of(service::desk, other);
  strict_.attach_peer({3, 3}, std::make_shared<outbox>(limits::link_bytes_max));
  strict_.send(std::move(message));
  EXPECT_EQ(counted_.plain().messages_refused, 1u);
  EXPECT_EQ(counted_.plain().envelopes_sent, 1u) << "nothing but the refusal went out";
  EXPECT_GT(member_->waiting(), 0u);
}

TEST_F(strict_post, forgets_a_session_only_for_the_link_that_has_it) {
  auto again = std::make_shared<outbox>(limits::link_bytes_max);
  strict_.attach_session({42}, again); // the client came back by another link
  EXPECT_FALSE(strict_.detach_session({42}, client_.get()));
  strict_.send(from_client(address::of(service::coordinator)));
  EXPECT_GT(again->waiting(), 0u);
  EXPECT_TRUE(strict_.detach_session({42}, again.get()));
  EXPECT_FALSE(strict_.detach_session({42}, again.get()));
}

TEST_F(post_between, puts_a_message_for_another_node_on_its_link) {
  publish(MEMBER_UP);
  auto link = std::make_shared<outbox>(limits::link_bytes_max);
  host_.post->attach_peer(other, link);
  tell(address::of_agent(at_home_elsewhere()), "hello");
  EXPECT_GT(link->waiting(), 0u);
  EXPECT_EQ(host_.counted.plain().envelopes_sent, 1u);

  host_.post->detach_peer(other, nullptr); // must not remove another link's entry
  tell(address::of_agent(at_home_elsewhere()), "hello");
  EXPECT_EQ(host_.counted.plain().envelopes_sent, 2u);
  host_.post->detach_peer(other, link.get());
  auto number = ask(address::of_agent(at_home_elsewhere()), "hello");
  EXPECT_THAT(next_answer(), refuses(number, ec::unavailable));
}

TEST_F(post_between, refuses_what_a_link_has_no_room_for) {
  publish(MEMBER_UP);
  host_.post->attach_peer(other, std::make_shared<outbox>(4 * limits::kib));
  auto fits = address::of(service::blobs, other);
  tell(fits, std::string(2 * limits::kib, 'x'));
  auto number = ask(fits, std::string(2 * limits::kib, 'x'));
  EXPECT_THAT(next_answer(), refuses(number, ec::overloaded));
}

TEST_F(post_between, refuses_a_message_that_is_too_large_for_any_link) {
  publish(MEMBER_UP);
  host_.post->attach_peer(other, std::make_shared<outbox>(limits::link_bytes_max));
  auto number =
      ask(address::of(service::blobs, other), std::string(limits::payload_bytes_max + 1, 'x'));
  EXPECT_THAT(next_answer(), refuses(number, ec::too_large));
}

TEST_F(post_between, forgets_an_actor_only_if_it_still_stands_there) {
  auto first = run(agent("echo/1"), answering());
  auto second = run(agent("echo/1"), answering()); // has replaced the first
  host_.post->remove(agent("echo/1"), first.id());
  EXPECT_EQ(host_.post->find(name{"echo/1"}), second);
  host_.post->remove(agent("echo/1"), second.id());
  EXPECT_FALSE(host_.post->find(name{"echo/1"}));
  stop(first);
  stop(second);
}

TEST_F(post_between, keeps_the_order_of_each_receiver_in_a_mixed_batch) {
  auto one = run(agent("echo/1"), answering());
  auto two = run(agent("echo/2"), answering());
  std::vector<envelope> batch;
  for (std::uint64_t i = 1; i <= 30; ++i) {
    Echo echo;
    echo.set_bytes(std::to_string(i));
    auto message =
        make_envelope(message_kind::request, agent(i % 3 ? "echo/1" : "echo/2"), std::move(echo));
    message.id = {{7}, i};
    message.sender = address::of(service::desk);
    batch.push_back(std::move(message));
  }
  host_.post->send_all(batch);
  std::uint64_t last[2] = {0, 0};
  for (int i = 0; i < 30; ++i) {
    auto number = next_answer().number;
    auto& before = last[number % 3 ? 0 : 1];
    ASSERT_GT(number, before);
    before = number;
  }
  stop(one);
  stop(two);
}

} // namespace troupe::test
