#include "actors/cluster/link_feature.hpp"
#include "tests/unit/cluster/link_pair.hpp"

#include <gtest/gtest.h>

namespace troupe::tests {

TEST(link, both_sides_prove_who_they_are) {
  link_pair pair;
  pair.connect();
  ASSERT_TRUE(pair.at_left.proven);
  ASSERT_TRUE(pair.at_right.proven);
  EXPECT_EQ(node_from_bytes(pair.at_left.proven->node().id()), (node_id{0, 2}));
  EXPECT_EQ(node_from_bytes(pair.at_right.proven->node().id()), (node_id{0, 1}));
  EXPECT_TRUE(pair.at_left.confirmed);
  EXPECT_TRUE(pair.at_right.confirmed);
}

TEST(link, a_wrong_secret_is_refused) {
  link_pair pair;
  pair.left_options.secret = "guess";
  pair.connect();
  EXPECT_FALSE(pair.at_right.proven);
  EXPECT_FALSE(pair.at_left.proven);
  ASSERT_TRUE(pair.at_left.failed);
  EXPECT_EQ(pair.at_left.failed->code, ec::refused);
  EXPECT_NE(pair.at_left.failed->message.find("secret"), std::string::npos);
  EXPECT_EQ(pair.at_left.failed->message.find("guess"), std::string::npos);
}

TEST(link, another_cluster_is_refused) {
  link_pair pair;
  pair.left_options.own.set_cluster("other");
  pair.connect();
  ASSERT_TRUE(pair.at_right.failed);
  EXPECT_EQ(pair.at_right.failed->code, ec::refused);
}

TEST(link, another_version_is_told_so_in_frames_that_it_can_read) {
  link_pair pair;
  pair.left_options.own.set_version(link_version + 1);
  pair.begin();
  pair.feed_right(pair.at_left.write);
  ASSERT_TRUE(pair.at_right.failed);
  EXPECT_EQ(pair.at_right.failed->message,
            "the peer speaks version 3 of the link protocol, this node version 2");
  auto bye = pair.right->bye_frame(*pair.at_right.failed);
  frame_reader reader; // the same in every version
  std::string said{link_preface};
  said.append(bye.begin(), bye.end());
  std::string why;
  ASSERT_TRUE(reader.feed(said, [&](frame_kind kind, const byte_slice& body) {
    EXPECT_EQ(kind, frame_kind::bye);
    Bye read;
    EXPECT_TRUE(read.ParseFromString(std::string{body.view()}));
    why = read.message();
    return true;
  }));
  EXPECT_EQ(why, pair.at_right.failed->message);
}

TEST(link, a_hello_as_version_1_wrote_it_is_refused_by_its_version) {
  // Frames of version 1: the same preface and header, and XXH3 of the body.
  Hello old;
  old.set_version(1);
  old.set_cluster("test");
  old.set_nonce(std::string(32, 'o'));
  old.set_client(true);
  old.set_session(7);
  std::vector<char> bytes(link_preface.begin(), link_preface.end());
  ASSERT_TRUE(append_frame(bytes, frame_kind::hello, old.SerializeAsString()));
  link_logic node{{hello_of(2, 'b'), "secret", false, {}}, start_time};
  node.begin();
  auto out = node.feed({bytes.data(), bytes.size()}, start_time);
  ASSERT_TRUE(out.failed);
  EXPECT_NE(out.failed->message.find("version 1"), std::string::npos);
}

TEST(link, only_what_both_ends_can_do_is_agreed) {
  link_pair pair;
  pair.connect();
  EXPECT_TRUE(has(pair.left->features(), link_feature::member_roles));
  Hello newer = hello_of(2, 'b');
  newer.set_features(own_link_features | 1ULL << 60);
  EXPECT_EQ(pair.left->features() & 1ULL << 60, 0u);
}

TEST(link, the_wanted_node_is_linked) {
  link_pair pair;
  pair.left_options.wanted = {0, 2};
  pair.connect();
  EXPECT_TRUE(pair.at_left.confirmed);
  EXPECT_TRUE(pair.at_right.confirmed);
}

TEST(link, an_acceptor_that_is_not_wanted_says_who_it_is_and_proves_nothing) {
  link_pair pair;
  pair.left_options.wanted = {0, 3};
  pair.begin();
  auto before = pair.at_right.write.size();
  pair.feed_right(pair.at_left.write);
  ASSERT_TRUE(pair.at_right.failed);
  EXPECT_EQ(pair.at_right.write.size(), before) << "no proof";
  EXPECT_FALSE(pair.at_right.proven);
  EXPECT_EQ(pair.at_right.failed->code, ec::refused);
  EXPECT_NE(pair.at_right.failed->message.find("this is node-2 (" + to_string(node_id{0, 2})),
            std::string::npos);
}

TEST(link, a_dialler_that_meets_another_node_proves_nothing) {
  link_pair pair;
  pair.left_options.wanted = {0, 3};
  pair.begin();
  auto before = pair.at_left.write.size();
  auto said = pair.at_right.write; // the dialler gets this even if the acceptor refuses
  pair.merge(pair.at_left, pair.left->feed({said.data(), said.size()}, start_time));
  ASSERT_TRUE(pair.at_left.failed);
  EXPECT_EQ(pair.at_left.write.size(), before) << "no proof";
  EXPECT_FALSE(pair.at_left.proven);
  EXPECT_NE(pair.at_left.failed->message.find("node-2"), std::string::npos);
}

TEST(link, a_wish_that_was_changed_on_the_way_makes_every_proof_wrong) {
  // A stranger rewrites the Hello to link two nodes that did not want each other.
  link_pair pair;
  pair.left_options.wanted = {0, 3};
  pair.begin();
  auto forged = pair.left_options.own;
  forged.set_wanted(to_bytes(node_id{0, 2}));
  forged.set_features(own_link_features);
  std::vector<char> to_right(link_preface.begin(), link_preface.end());
  ASSERT_TRUE(append_frame(to_right, frame_kind::hello, forged.SerializeAsString()));
  pair.feed_right(to_right);
  ASSERT_FALSE(pair.at_right.failed);
  // The same with the acceptor's name.
  auto other = pair.right_options.own;
  other.mutable_node()->set_id(to_bytes(node_id{0, 3}));
  other.set_features(own_link_features);
  std::vector<char> to_left(link_preface.begin(), link_preface.end());
  ASSERT_TRUE(append_frame(to_left, frame_kind::hello, other.SerializeAsString()));
  auto hello_bytes = pair.right_options.own;
  hello_bytes.set_features(own_link_features);
  auto proof_at = link_preface.size() + frame_header_bytes + hello_bytes.ByteSizeLong();
  to_left.insert(to_left.end(), pair.at_right.write.begin() + static_cast<std::ptrdiff_t>(proof_at),
                 pair.at_right.write.end());
  auto out = pair.left->feed({to_left.data(), to_left.size()}, start_time);
  ASSERT_TRUE(out.failed);
  EXPECT_FALSE(out.proven);
  EXPECT_NE(out.failed->message.find("secret"), std::string::npos);
}

TEST(link, a_proof_sent_back_to_its_maker_is_refused) {
  // The attacker has no secret, so it repeats what the other side says.
  link_logic victim{{hello_of(2, 'b'), "secret", false, {}}, start_time};
  auto said = victim.begin();
  auto first = victim.feed({said.write.data(), said.write.size()}, start_time);
  EXPECT_TRUE(first.failed) << "its own nonce";
}

TEST(link, nothing_is_read_before_the_proof) {
  link_logic victim{{hello_of(2, 'b'), "secret", false, {}}, start_time};
  victim.begin();
  std::vector<char> bytes(link_preface.begin(), link_preface.end());
  ASSERT_TRUE(append_frame(bytes, frame_kind::envelopes, ""));
  auto out = victim.feed({bytes.data(), bytes.size()}, start_time);
  ASSERT_TRUE(out.failed);
  EXPECT_EQ(out.failed->code, ec::refused);
}

TEST(link, an_unproven_connection_ends_after_its_deadline_or_its_bytes) {
  link_logic silent{{hello_of(2, 'b'), "secret", false, {}}, start_time};
  auto deadline = start_time + limits::hello_deadline;
  EXPECT_FALSE(tick_through(silent, start_time, deadline - 1ns).failed);
  EXPECT_TRUE(silent.tick(deadline).failed);
  link_logic talker{{hello_of(2, 'b'), "secret", false, {}}, start_time};
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
              outbox::put_result::queued);
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
  EXPECT_TRUE(box.take(first, 200'000, *pair.left->seal())) << "more is to come";
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
    ASSERT_EQ(box.put(echo_to("echo/" + std::to_string(i), "", i)), outbox::put_result::queued);
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
  for (std::uint32_t stream = 1; stream <= limits::link_streams_max + 1; ++stream) {
    auto next = pair.chunk(stream, 1'000, "");
    bytes.insert(bytes.end(), next.begin(), next.end());
  }
  auto out = pair.right->feed({bytes.data(), bytes.size()}, start_time);
  ASSERT_TRUE(out.failed);
  EXPECT_EQ(out.failed->code, ec::too_large);
}

TEST(link, silence_is_pinged_and_then_given_up) {
  link_pair pair;
  pair.connect();
  auto ping = tick_through(*pair.left, start_time, start_time + limits::ping_after_silence);
  ASSERT_FALSE(ping.write.empty());
  auto pong = pair.right->feed({ping.write.data(), ping.write.size()}, start_time);
  EXPECT_FALSE(pong.write.empty());
  auto heard = start_time + 1s;
  pair.left->feed({pong.write.data(), pong.write.size()}, heard);
  EXPECT_FALSE(tick_through(*pair.left, start_time + limits::ping_after_silence,
                            heard + limits::suspect_after_silence - 1ns)
                   .failed);
  EXPECT_TRUE(pair.left->tick(heard + limits::suspect_after_silence).failed);
}

TEST(link, a_client_may_be_silent_for_longer) {
  link_pair pair;
  pair.left_options.own.clear_node();
  pair.left_options.own.set_client(true);
  pair.left_options.own.set_session(5);
  pair.connect();
  auto deadline = start_time + limits::client_silence_max;
  EXPECT_FALSE(tick_through(*pair.right, start_time, deadline - 1ns).failed);
  EXPECT_TRUE(pair.right->tick(deadline).failed);
}

TEST(link, a_bye_says_why) {
  link_pair pair;
  pair.connect();
  auto bye = pair.right->bye_frame({ec::unavailable, "going home"});
  auto out = pair.left->feed({bye.data(), bye.size()}, start_time);
  ASSERT_TRUE(out.failed);
  EXPECT_EQ(out.failed->code, ec::unavailable);
  EXPECT_EQ(out.failed->message, "going home");
}

TEST(link, time_in_which_this_process_did_not_run_is_no_silence) {
  link_pair pair;
  pair.connect();
  auto now = start_time;
  for (int i = 0; i < 4; ++i)
    EXPECT_FALSE(pair.left->tick(now += limits::link_tick).failed);
  // The process was stopped for a minute, as by SIGSTOP, and has not read what the peer sent
  // meanwhile.
  EXPECT_FALSE(pair.left->tick(now += 60s).failed);
  // From here on the peer is silent; it already was for a second.
  EXPECT_FALSE(pair.left->tick(now += limits::link_tick).failed);
  bool given_up = false;
  for (int i = 0; i < 8 && !given_up; ++i)
    given_up = pair.left->tick(now += limits::link_tick).failed.has_value();
  EXPECT_TRUE(given_up) << "a peer that is silent all the same";
}

TEST(link, the_deadline_of_a_handshake_waits_for_a_process_that_did_not_run) {
  link_logic node{{hello_of(2, 'b'), "secret", false, {}}, start_time};
  EXPECT_FALSE(node.tick(start_time + limits::link_tick).failed);
  EXPECT_FALSE(node.tick(start_time + limits::link_tick + 60s).failed);
}

TEST(link, one_that_we_halted_is_not_taken_for_silent_and_hears_from_us) {
  link_pair pair;
  pair.connect();
  auto now = start_time;
  pair.left->set_halted(true, now);
  std::size_t pings = 0;
  for (int i = 0; i < 400; ++i) { // 100 s
    auto out = pair.left->tick(now += limits::link_tick);
    ASSERT_FALSE(out.failed) << i;
    pings += !out.write.empty();
    // The other end reads them, so it does not consider this end silent.
    ASSERT_FALSE(pair.right->feed({out.write.data(), out.write.size()}, now).failed);
    ASSERT_FALSE(pair.right->tick(now).failed) << i;
  }
  EXPECT_GE(pings, 190u);
  pair.left->set_halted(false, now);
  EXPECT_FALSE(pair.left->tick(now + limits::suspect_after_silence - 1ns).failed)
      << "it begins to listen now";
}

TEST(link, a_welcome_that_does_not_fit_is_an_error_and_no_abort) {
  link_pair pair;
  pair.left_options.own.clear_node();
  pair.left_options.own.set_client(true);
  pair.left_options.own.set_session(5);
  pair.connect();
  Welcome welcome;
  welcome.mutable_node()->set_name(std::string(limits::frame_body_bytes_max, 'n'));
  auto made = pair.right->welcome_frame(welcome);
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, ec::too_large);
  welcome.mutable_node()->set_name("node-2");
  auto fits = pair.right->welcome_frame(welcome); // the numbers of the frames continue unchanged
  ASSERT_TRUE(fits);
  auto out = pair.left->feed({fits->data(), fits->size()}, start_time);
  EXPECT_FALSE(out.failed);
  ASSERT_TRUE(out.welcome);
  EXPECT_EQ(out.welcome->node().name(), "node-2");
}

TEST(link, a_hello_that_is_too_long_is_an_error_that_says_so) {
  link_logic::options options{hello_of(1, 'a'), "secret", true, {}};
  options.own.mutable_node()->set_name(std::string(limits::hello_bytes_max, 'n'));
  link_logic node{std::move(options), start_time};
  auto out = node.begin();
  ASSERT_TRUE(out.failed);
  EXPECT_EQ(out.failed->code, ec::too_large);
}

TEST(link, a_bye_of_any_length_can_be_said) {
  link_pair pair;
  pair.connect();
  std::string text;
  while (text.size() < limits::frame_body_bytes_max)
    text += "long \xc3\xa4 ";
  auto bye = pair.right->bye_frame({ec::refused, text});
  auto out = pair.left->feed({bye.data(), bye.size()}, start_time);
  ASSERT_TRUE(out.failed);
  EXPECT_EQ(out.failed->code, ec::refused);
  EXPECT_EQ(out.failed->message.rfind("long \xc3\xa4", 0), 0u);
}

} // namespace troupe::tests
