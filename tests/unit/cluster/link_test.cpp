#include "actors/cluster/link_logic.hpp"
#include "actors/cluster/outbox.hpp"
#include "config/limits/links.hpp"
#include "messages/agents.pb.h"
#include "messages/cluster.pb.h"

#include <gtest/gtest.h>

namespace troupe {

namespace {

using namespace std::chrono_literals;

constexpr instant start_time{1'000'000s};

Hello hello_of(std::uint64_t id, char nonce) {
  Hello hello;
  hello.set_version(link_version);
  hello.set_cluster("test");
  hello.set_nonce(std::string(32, nonce));
  hello.mutable_node()->set_id(to_bytes(node_id{0, id}));
  return hello;
}

/// Two ends of a link with nothing between them.
struct link_pair {
  link_logic::options left_options{hello_of(1, 'a'), "secret", true};
  link_logic::options right_options{hello_of(2, 'b'), "secret", false};
  std::optional<link_logic> left, right;
  link_logic::outcome at_left, at_right; ///< of the last exchange, merged

  void connect() {
    left.emplace(left_options, start_time);
    right.emplace(right_options, start_time);
    at_left = left->begin();
    at_right = right->begin();
    exchange();
  }

  /// Carries bytes until nobody has any.
  void exchange() {
    while (!at_left.write.empty() || !at_right.write.empty()) {
      auto to_right = std::exchange(at_left.write, {});
      auto to_left = std::exchange(at_right.write, {});
      merge(at_right, right->feed({to_right.data(), to_right.size()}, start_time));
      merge(at_left, left->feed({to_left.data(), to_left.size()}, start_time));
    }
  }

  static void merge(link_logic::outcome& all, link_logic::outcome more) {
    all.write.insert(all.write.end(), more.write.begin(), more.write.end());
    for (auto& message : more.received)
      all.received.push_back(std::move(message));
    if (more.proven)
      all.proven = more.proven;
    if (more.welcome)
      all.welcome = more.welcome;
    if (more.failed && !all.failed)
      all.failed = more.failed;
  }

  /// What `box` holds, fed to the right end.
  void deliver(outbox& box) {
    std::vector<char> bytes;
    while (box.take(bytes, 100'000)) {
    }
    merge(at_right, right->feed({bytes.data(), bytes.size()}, start_time));
  }
};

envelope echo_to(std::string_view agent, std::string bytes, std::uint64_t sequence = 1) {
  Echo echo;
  echo.set_bytes(std::move(bytes));
  auto message = make_envelope(message_kind::request, address::of_agent(name{agent}), echo);
  message.id = {session_id{9}, sequence};
  message.sender = address::of_agent(name{"test/sender"}, {0, 1});
  return message;
}

} // namespace

TEST(link, both_sides_prove_who_they_are) {
  link_pair pair;
  pair.connect();
  ASSERT_TRUE(pair.at_left.proven);
  ASSERT_TRUE(pair.at_right.proven);
  EXPECT_EQ(node_from_bytes(pair.at_left.proven->node().id()), (node_id{0, 2}));
  EXPECT_EQ(node_from_bytes(pair.at_right.proven->node().id()), (node_id{0, 1}));
}

TEST(link, a_wrong_secret_is_refused) {
  link_pair pair;
  pair.left_options.secret = "guess";
  pair.connect();
  EXPECT_FALSE(pair.at_right.proven);
  ASSERT_TRUE(pair.at_right.failed);
  EXPECT_EQ(pair.at_right.failed->code, ec::refused);
  EXPECT_EQ(pair.at_right.failed->message.find("guess"), std::string::npos);
}

TEST(link, another_cluster_and_another_version_are_refused) {
  link_pair cluster;
  cluster.left_options.own.set_cluster("other");
  cluster.connect();
  EXPECT_TRUE(cluster.at_right.failed);
  link_pair version;
  version.left_options.own.set_version(link_version + 1);
  version.connect();
  ASSERT_TRUE(version.at_right.failed);
  EXPECT_NE(version.at_right.failed->message.find("version"), std::string::npos);
}

TEST(link, a_proof_sent_back_to_its_maker_is_refused) {
  // The attacker has no secret: it repeats what the other side says.
  link_logic victim{{hello_of(2, 'b'), "secret", false}, start_time};
  auto said = victim.begin();
  auto first = victim.feed({said.write.data(), said.write.size()}, start_time);
  EXPECT_TRUE(first.failed) << "its own nonce";
}

TEST(link, nothing_is_read_before_the_proof) {
  link_logic victim{{hello_of(2, 'b'), "secret", false}, start_time};
  victim.begin();
  std::vector<char> bytes(link_preface.begin(), link_preface.end());
  append_frame(bytes, frame_kind::envelopes, "");
  auto out = victim.feed({bytes.data(), bytes.size()}, start_time);
  ASSERT_TRUE(out.failed);
  EXPECT_EQ(out.failed->code, ec::refused);
}

TEST(link, an_unproven_connection_ends_after_its_deadline_or_its_bytes) {
  link_logic silent{{hello_of(2, 'b'), "secret", false}, start_time};
  EXPECT_FALSE(silent.tick(start_time + limits::hello_deadline - 1ns).failed);
  EXPECT_TRUE(silent.tick(start_time + limits::hello_deadline).failed);
  link_logic talker{{hello_of(2, 'b'), "secret", false}, start_time};
  std::vector<char> bytes(link_preface.begin(), link_preface.end());
  bytes.resize(limits::hello_bytes_max + 1);
  EXPECT_TRUE(talker.feed({bytes.data(), bytes.size()}, start_time).failed);
}

TEST(link, envelopes_arrive_in_order_with_their_addresses) {
  link_pair pair;
  pair.connect();
  outbox box{limits::link_bytes_max};
  for (std::uint64_t i = 0; i < 5000; ++i)
    ASSERT_EQ(box.put(echo_to(i % 2 ? "echo/odd" : "echo/even", std::to_string(i), i)),
              outbox::verdict::queued);
  pair.deliver(box);
  ASSERT_FALSE(pair.at_right.failed);
  ASSERT_EQ(pair.at_right.received.size(), 5000u);
  for (std::uint64_t i = 0; i < 5000; ++i) {
    auto& message = pair.at_right.received[i];
    EXPECT_EQ(message.id.sequence, i);
    EXPECT_EQ(message.target.agent.text(), i % 2 ? "echo/odd" : "echo/even");
    EXPECT_EQ(message.sender, address::of_agent(name{"test/sender"}, {0, 1}));
    EXPECT_EQ(message.body.as<Echo>()->bytes(), std::to_string(i));
  }
  EXPECT_EQ(box.waiting(), 0u);
}

TEST(link, a_large_payload_comes_in_chunks_that_others_pass) {
  link_pair pair;
  pair.connect();
  outbox box{limits::link_bytes_max};
  std::string large(3'000'000, 'x');
  for (std::size_t i = 0; i < large.size(); i += 1000)
    large[i] = static_cast<char>('a' + i % 7);
  box.put(echo_to("echo/large", large, 1));
  std::vector<char> first;
  EXPECT_TRUE(box.take(first, 200'000)) << "more is to come";
  box.put(echo_to("echo/small", "passes", 2));
  pair.merge(pair.at_right, pair.right->feed({first.data(), first.size()}, start_time));
  pair.deliver(box);
  ASSERT_FALSE(pair.at_right.failed) << pair.at_right.failed->message;
  ASSERT_EQ(pair.at_right.received.size(), 2u);
  EXPECT_EQ(pair.at_right.received[0].id.sequence, 2u);
  EXPECT_EQ(pair.at_right.received[1].body.as<Echo>()->bytes(), large);
}

TEST(link, names_are_announced_anew_when_the_table_is_full) {
  link_pair pair;
  pair.connect();
  outbox box{limits::link_bytes_max};
  auto count = limits::link_routes_max + 1000;
  for (std::size_t i = 0; i < count; ++i)
    ASSERT_EQ(box.put(echo_to("echo/" + std::to_string(i), "", i)), outbox::verdict::queued);
  pair.deliver(box);
  ASSERT_FALSE(pair.at_right.failed) << pair.at_right.failed->message;
  ASSERT_EQ(pair.at_right.received.size(), count);
  for (std::size_t i = 0; i < count; i += 997)
    EXPECT_EQ(pair.at_right.received[i].target.agent.text(), "echo/" + std::to_string(i));
}

TEST(link, chunks_beyond_the_bound_close_the_connection) {
  link_pair pair;
  pair.connect();
  std::vector<char> bytes;
  for (std::uint32_t stream = 1; stream <= limits::link_streams_max + 1; ++stream)
    append_frame(bytes, frame_kind::chunk, {reinterpret_cast<const char*>(&stream), sizeof stream});
  auto out = pair.right->feed({bytes.data(), bytes.size()}, start_time);
  ASSERT_TRUE(out.failed);
  EXPECT_EQ(out.failed->code, ec::too_large);
}

TEST(link, silence_is_pinged_and_then_given_up) {
  link_pair pair;
  pair.connect();
  auto ping = pair.left->tick(start_time + limits::ping_after_silence);
  ASSERT_FALSE(ping.write.empty());
  auto pong = pair.right->feed({ping.write.data(), ping.write.size()}, start_time);
  EXPECT_FALSE(pong.write.empty());
  auto heard = start_time + 1s;
  pair.left->feed({pong.write.data(), pong.write.size()}, heard);
  EXPECT_FALSE(pair.left->tick(heard + limits::suspect_after_silence - 1ns).failed);
  EXPECT_TRUE(pair.left->tick(heard + limits::suspect_after_silence).failed);
}

TEST(link, a_client_may_be_silent_for_longer) {
  link_pair pair;
  pair.left_options.own.clear_node();
  pair.left_options.own.set_client(true);
  pair.left_options.own.set_session(5);
  pair.connect();
  EXPECT_FALSE(pair.right->tick(start_time + limits::suspect_after_silence).failed);
  EXPECT_FALSE(pair.right->tick(start_time + limits::client_silence_max - 1ns).failed);
  EXPECT_TRUE(pair.right->tick(start_time + limits::client_silence_max).failed);
}

TEST(link, a_bye_says_why) {
  link_pair pair;
  pair.connect();
  auto bye = link_logic::bye_frame({ec::unavailable, "going home"});
  auto out = pair.left->feed({bye.data(), bye.size()}, start_time);
  ASSERT_TRUE(out.failed);
  EXPECT_EQ(out.failed->code, ec::unavailable);
  EXPECT_EQ(out.failed->message, "going home");
}

TEST(outbox, refuses_beyond_its_bound_and_takes_again_after) {
  outbox box{100'000};
  std::size_t queued = 0;
  while (box.put(echo_to("echo/1", std::string(1000, 'x'))) == outbox::verdict::queued)
    ASSERT_LT(++queued, 1000u) << "it never says no";
  EXPECT_GT(queued, 80u);
  EXPECT_EQ(box.put(echo_to("echo/1", std::string(1000, 'x'))), outbox::verdict::overloaded);
  EXPECT_LE(box.waiting(), 100'000u);
  std::vector<char> bytes;
  while (box.take(bytes, 1 << 20)) {
  }
  EXPECT_EQ(box.put(echo_to("echo/1", "x")), outbox::verdict::queued);
}

TEST(outbox, has_a_reserve_for_what_would_not_be_sent_again) {
  int woken = 0;
  outbox box{100'000, [&] { ++woken; }, 50'000};
  auto request = echo_to("echo/1", std::string(1000, 'x'));
  while (box.put(request) == outbox::verdict::queued) {
  }
  auto event = echo_to("echo/1", std::string(1000, 'x'));
  event.kind = message_kind::event;
  EXPECT_EQ(box.put(event), outbox::verdict::overloaded) << "an agent can do without an event";
  auto news = echo_to("echo/1", std::string(1000, 'x'));
  news.kind = message_kind::event;
  news.target = address::of(service::coordinator, {0, 2});
  EXPECT_EQ(box.put(news), outbox::verdict::queued);
  auto reply = echo_to("echo/1", std::string(1000, 'x'));
  reply.kind = message_kind::reply;
  EXPECT_EQ(box.put(reply), outbox::verdict::queued);
  EXPECT_FALSE(box.overflowed());
  EXPECT_EQ(woken, 1);
  while (box.put(reply) == outbox::verdict::queued)
    ASSERT_LT(box.waiting(), 150'000u);
  EXPECT_TRUE(box.overflowed());
  EXPECT_EQ(woken, 2) << "the link must be closed";
  EXPECT_EQ(box.put(reply), outbox::verdict::overloaded);
  EXPECT_EQ(woken, 2) << "once";
}

TEST(outbox, counts_a_large_payload_until_its_last_chunk_is_taken) {
  outbox box{limits::link_bytes_max};
  box.put(echo_to("echo/1", std::string(3'000'000, 'x')));
  std::vector<char> bytes;
  ASSERT_TRUE(box.take(bytes, 2'000'000));
  EXPECT_GE(box.waiting(), 3'000'000u) << "the other side holds its bytes until it is whole";
  while (box.take(bytes, 1 << 20)) {
  }
  EXPECT_EQ(box.waiting(), 0u);
}

TEST(outbox, wakes_once_until_it_is_empty) {
  int woken = 0;
  outbox box{100'000, [&] { ++woken; }};
  box.put(echo_to("echo/1", "a"));
  box.put(echo_to("echo/1", "b"));
  EXPECT_EQ(woken, 1);
  std::vector<char> bytes;
  while (box.take(bytes, 1 << 20)) {
  }
  box.put(echo_to("echo/1", "c"));
  EXPECT_EQ(woken, 2);
}

TEST(outbox, tells_which_clients_requests_were_not_answered) {
  outbox box{100'000};
  auto request = echo_to("echo/1", "a", 1);
  request.sender = address::of_session({5});
  box.put(request);
  request.id.sequence = 2;
  box.put(request);
  box.put(echo_to("echo/1", "of an agent", 3));
  box.answered({session_id{9}, 1});
  auto open = box.close();
  ASSERT_EQ(open.size(), 1u);
  EXPECT_EQ(open[0].id.sequence, 2u);
  EXPECT_EQ(open[0].sender, address::of_session({5}));
  EXPECT_EQ(box.put(request), outbox::verdict::closed);
}

TEST(outbox, a_payload_beyond_the_limit_is_too_large) {
  outbox box{limits::link_bytes_max};
  EXPECT_EQ(box.put(echo_to("echo/1", std::string(limits::payload_bytes_max + 1, 'x'))),
            outbox::verdict::too_large);
}

} // namespace troupe
