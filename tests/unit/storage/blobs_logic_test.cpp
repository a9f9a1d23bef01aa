#include "tests/unit/storage/blobs_fixture.hpp"

using namespace troupe;

TEST_F(blobs, what_was_put_here_is_got_here) {
  auto stored = a.reply_to_client(store(a, "hello", "greeting"));
  ASSERT_TRUE(stored && stored->body.as<BlobStored>());
  auto blob = stored->body.as<BlobStored>()->blob();
  EXPECT_EQ(blob.sha256(), sha256("hello"));
  EXPECT_EQ(blob.size_bytes(), 5u);
  EXPECT_EQ(blob.name(), "greeting");
  EXPECT_EQ(blob.holder(), to_bytes(node_a));
  EXPECT_EQ(bytes_of(a.reply_to_client(a.ask(get(blob)))), "hello");
  EXPECT_TRUE(a.take().empty());
}

TEST_F(blobs, what_is_elsewhere_is_fetched_from_its_holder_once_and_kept) {
  store(b, "hello");
  b.take();
  auto first = a.ask(get(ref("hello", node_b)));
  auto question = only_question(a);
  EXPECT_EQ(question.target, b.self());
  EXPECT_EQ(question.sender, a.self());
  EXPECT_EQ(question.kind, message_kind::request);
  EXPECT_EQ(question.remaining, limits::request_timeout);
  b.step(std::move(question));
  a.step(only_reply(b));
  EXPECT_EQ(bytes_of(a.reply_to_client(first)), "hello") << "before it is written";
  flush(a);
  EXPECT_EQ(bytes_of(a.reply_to_client(a.ask(get(ref("hello", node_b))))), "hello");
  EXPECT_TRUE(a.take().empty()) << "the second time nobody is asked";
}

TEST_F(blobs, the_question_carries_the_trace_and_tenant_of_who_asked) {
  auto wanted = make_envelope(message_kind::request, a.self(), get(ref("hello", node_b)));
  wanted.trace = {{5, 6}, {7}, 1};
  wanted.tenant = name("acme");
  wanted.sender = address::of_session({9});
  a.step(std::move(wanted));
  auto question = only_question(a);
  EXPECT_EQ(question.trace.trace, (trace_id{5, 6}));
  EXPECT_EQ(question.trace.span, span_id{7});
  EXPECT_EQ(question.tenant.text(), "acme");
}

TEST_F(blobs, all_who_want_the_same_blob_share_one_fetch) {
  auto first = a.ask(get(ref("hello", node_b)));
  auto second = a.ask(get(ref("hello", node_b)));
  auto other = a.ask(get(ref("other", node_b)));
  auto questions = a.take();
  ASSERT_EQ(questions.size(), 2u);
  a.step(data(questions[0], "hello"));
  EXPECT_EQ(bytes_of(a.reply_to_client(first)), "hello");
  EXPECT_EQ(bytes_of(a.reply_to_client(second)), "hello");
  a.step(data(questions[1], "other"));
  EXPECT_EQ(bytes_of(a.reply_to_client(other)), "other");
}

TEST_F(blobs, who_cancels_waits_no_longer_and_what_nobody_waits_for_is_forgotten) {
  auto cancel = [&](std::uint64_t number) {
    session_id who{77};
    a.step(make_cancel({who, number}, address::of_session(who), a.self()));
  };
  auto first = a.ask(get(ref("hello", node_b)));
  auto second = a.ask(get(ref("hello", node_b)));
  auto question = only_question(a);
  cancel(first);
  EXPECT_EQ(code_of(a.reply_to_client(first)), ec::cancelled);
  cancel(second);
  EXPECT_EQ(code_of(a.reply_to_client(second)), ec::cancelled);
  a.step(data(question, "hello"));
  EXPECT_TRUE(a.take().empty());
  auto third = a.ask(get(ref("hello", node_b)));
  a.step(data(only_question(a), "hello"));
  EXPECT_EQ(bytes_of(a.reply_to_client(third)), "hello");
}

TEST_F(blobs, one_holder_is_asked_for_a_bounded_number_of_bytes_at_once) {
  auto large = [](char letter) {
    return std::string(limits::blob_asked_bytes_max * 2 / 3, letter);
  };
  auto first = a.ask(get(ref(large('1'), node_b)));
  auto second = a.ask(get(ref(large('2'), node_b)));
  auto elsewhere = a.ask(get(ref(large('3'), node_c)));
  auto questions = a.take();
  ASSERT_EQ(questions.size(), 2u) << "the second waits for the first";
  EXPECT_EQ(questions[1].target.node, node_c);
  a.step(data(questions[0], large('1')));
  EXPECT_EQ(bytes_of(a.reply_to_client(first)), large('1'));
  auto next = only_question(a);
  EXPECT_EQ(next.target.node, node_b);
  a.step(data(next, large('2')));
  EXPECT_EQ(bytes_of(a.reply_to_client(second)), large('2'));
  a.step(data(questions[1], large('3')));
  EXPECT_EQ(bytes_of(a.reply_to_client(elsewhere)), large('3'));
}

TEST_F(blobs, a_lost_question_times_out_and_the_next_request_asks_again) {
  auto first = a.ask(get(ref("hello", node_b)));
  auto lost = only_question(a);
  ASSERT_EQ(a.out.timers.size(), 1u);
  EXPECT_EQ(a.out.timers[0].after, limits::request_timeout);
  a.step(timer_fired{a.out.timers[0].id});
  EXPECT_EQ(code_of(a.reply_to_client(first)), ec::timed_out);

  auto second = a.ask(get(ref("hello", node_b)));
  auto question = only_question(a);
  EXPECT_NE(question.id, lost.id);
  a.step(data(lost, "hello")); // late: it answers the request that was given up
  EXPECT_TRUE(a.out.sends.empty());
  a.step(data(question, "hello"));
  EXPECT_EQ(bytes_of(a.reply_to_client(second)), "hello");
}

TEST_F(blobs, the_timer_of_a_fetch_that_ended_is_cancelled_and_harmless) {
  a.ask(get(ref("hello", node_b)));
  auto timer = a.out.timers.at(0).id;
  a.step(data(only_question(a), "hello"));
  ASSERT_GE(a.out.timers.size(), 2u);
  EXPECT_EQ(a.out.timers[1].id, timer);
  EXPECT_EQ(a.out.timers[1].after.count(), 0);
  a.take();
  a.step(timer_fired{timer});
  EXPECT_TRUE(a.out.sends.empty());
}

TEST_F(blobs, wrong_bytes_from_the_holder_are_refused_logged_and_not_kept) {
  auto asked = a.ask(get(ref("hello", node_b)));
  a.step(data(only_question(a), "hellO"));
  EXPECT_EQ(code_of(a.reply_to_client(asked)), ec::bad_message);
  ASSERT_EQ(a.out.logs.size(), 1u);
  EXPECT_EQ(a.out.logs[0].level, log_level::error);
  EXPECT_NE(a.out.logs[0].text.find(to_string(node_b)), std::string::npos);
  EXPECT_EQ(code_of(a.reply_to_client(a.ask(get(ref("hello", node_a))))), ec::not_found);
  EXPECT_EQ(code_of(a.reply_to_client(a.ask(get(ref("hellO", node_a))))), ec::not_found);
}

TEST_F(blobs, a_reply_of_another_kind_is_refused) {
  auto asked = a.ask(get(ref("hello", node_b)));
  a.step(reply_to(only_question(a), Echo{}));
  EXPECT_EQ(code_of(a.reply_to_client(asked)), ec::bad_message);
}

TEST_F(blobs, the_failure_of_the_holder_is_passed_on_with_its_name) {
  auto asked = a.ask(get(ref("hello", node_b)));
  b.step(only_question(a));
  a.step(only_reply(b));
  auto reply = a.reply_to_client(asked);
  ASSERT_TRUE(reply);
  auto why = failure_in(*reply);
  ASSERT_TRUE(why);
  EXPECT_EQ(why->code, ec::not_found);
  EXPECT_NE(why->message.find(to_string(node_b)), std::string::npos) << why->message;
}

TEST_F(blobs, when_a_holder_fails_those_who_named_another_are_served_from_there) {
  auto from_b = a.ask(get(ref("hello", node_b)));
  auto from_c = a.ask(get(ref("hello", node_c)));
  auto too = a.ask(get(ref("hello", node_b)));
  a.step(reply_failure(only_question(a), {ec::unavailable, "node b is down"}));
  EXPECT_EQ(code_of(a.reply_to_client(from_b)), ec::unavailable);
  EXPECT_EQ(code_of(a.reply_to_client(too)), ec::unavailable);
  EXPECT_FALSE(a.reply_to_client(from_c));
  auto question = only_question(a);
  EXPECT_EQ(question.target, address::of(service::blobs, node_c));
  a.step(data(question, "hello"));
  EXPECT_EQ(bytes_of(a.reply_to_client(from_c)), "hello");
}

TEST_F(blobs, a_holder_never_asks_another_for_what_it_is_said_to_hold) {
  EXPECT_EQ(code_of(a.reply_to_client(a.ask(get(ref("hello", node_a))))), ec::not_found);
  EXPECT_EQ(code_of(a.reply_to_client(a.ask(get(ref("hello", {}))))), ec::not_found);
  EXPECT_TRUE(a.take().empty());
}

TEST_F(blobs, a_full_disk_fails_puts_but_fetched_bytes_are_delivered) {
  full = true;
  EXPECT_EQ(code_of(a.reply_to_client(store(a, "hello"))), ec::storage_failed);
  EXPECT_EQ(code_of(a.reply_to_client(a.ask(get(ref("hello", node_a))))), ec::storage_failed);
  auto asked = a.ask(get(ref("hello", node_b)));
  a.step(data(only_question(a), "hello"));
  EXPECT_EQ(bytes_of(a.reply_to_client(asked)), "hello");
  flush(a);
  EXPECT_FALSE(a.out.logs.empty());
}

TEST_F(blobs, too_large_blobs_and_wrong_requests_are_refused) {
  EXPECT_EQ(code_of(a.reply_to_client(store(a, std::string(limits::document_bytes_max + 1, 'x')))),
            ec::too_large);
  EXPECT_EQ(code_of(a.reply_to_client(store(a, std::string(limits::document_bytes_max, 'x')))),
            ec::none);
  BlobRef bad;
  bad.set_sha256("short");
  EXPECT_EQ(code_of(a.reply_to_client(a.ask(get(bad)))), ec::invalid_argument);
  EXPECT_EQ(code_of(a.reply_to_client(a.ask(Echo{}))), ec::bad_message);
}

TEST_F(blobs, fetches_waiters_and_what_they_will_get_are_bounded) {
  for (std::size_t i = 0; i < limits::blob_fetches_max; ++i)
    a.ask(get(ref("blob " + std::to_string(i), node_b)));
  auto questions = a.take();
  EXPECT_EQ(questions.size(), limits::blob_fetches_max);
  EXPECT_EQ(code_of(a.reply_to_client(a.ask(get(ref("one more", node_b))))), ec::overloaded);
  for (std::size_t i = limits::blob_fetches_max; i < limits::blob_waiters_max; ++i)
    a.ask(get(ref("blob 0", node_b)));
  EXPECT_TRUE(a.take().empty());
  EXPECT_EQ(code_of(a.reply_to_client(a.ask(get(ref("blob 0", node_b))))), ec::overloaded);
  // The end of one makes room for those that waited.
  a.step(data(questions[0], "blob 0"));
  EXPECT_EQ(a.take().size(), limits::blob_waiters_max - limits::blob_fetches_max + 1);
  a.ask(get(ref("one more", node_b)));
  EXPECT_EQ(only_question(a).target, b.self());
}

TEST_F(blobs, who_still_waits_at_the_end_is_told) {
  auto first = a.ask(get(ref("hello", node_b)));
  auto second = a.ask(get(ref("other", node_c)));
  a.take();
  a.stop();
  EXPECT_EQ(code_of(a.reply_to_client(first)), ec::unavailable);
  EXPECT_EQ(code_of(a.reply_to_client(second)), ec::unavailable);
  EXPECT_TRUE(a.take().empty());
}

TEST_F(blobs, requests_that_came_as_bytes_from_the_wire_are_answered_the_same) {
  store(b, "hello");
  b.take();
  auto blob = ref("hello", node_b);
  envelope wire;
  wire.kind = message_kind::request;
  wire.id = {session_id{77}, 900};
  wire.sender = address::of_session(session_id{77});
  wire.target = a.self();
  wire.body =
      payload::from_wire(payload_kind::BlobGet, byte_slice::copy_of(get(blob).SerializeAsString()));
  a.step(std::move(wire));
  b.step(only_question(a));
  a.step(only_reply(b));
  EXPECT_EQ(bytes_of(a.reply_to_client(900)), "hello");

  envelope damaged;
  damaged.kind = message_kind::request;
  damaged.id = {session_id{77}, 901};
  damaged.sender = address::of_session(session_id{77});
  damaged.target = a.self();
  damaged.body = payload::from_wire(payload_kind::BlobGet, byte_slice::copy_of("\xff\xff"));
  a.step(std::move(damaged));
  EXPECT_EQ(code_of(a.reply_to_client(901)), ec::bad_message);
}

namespace {

envelope traced_get(stage& node, BlobGet get, std::uint64_t sequence, std::uint8_t flags = 1) {
  auto made = make_envelope(message_kind::request, node.self(), std::move(get));
  made.id = {{5}, sequence};
  made.trace = {{5, 6}, {7}, flags};
  made.sender = address::of(service::reading, node.self().node);
  return made;
}

/// What the service says about where blobs were found; each comes right before a reply.
std::vector<BlobFound> found_in(stage& node) {
  std::vector<BlobFound> all;
  auto sends = node.take();
  for (std::size_t i = 0; i < sends.size(); ++i)
    if (auto found = sends[i].body.as<BlobFound>()) {
      EXPECT_EQ(sends[i].kind, message_kind::piece);
      all.push_back(*found);
    }
  return all;
}

} // namespace

TEST_F(blobs, a_trace_is_told_where_a_blob_was_found) {
  store(b, "hello");
  b.take();
  a.step(traced_get(a, get(ref("hello", node_b)), 1));
  auto question = only_question(a);
  a.step(traced_get(a, get(ref("hello", node_b)), 2));
  a.step(traced_get(a, get(ref("hello", node_b)), 3, 0));
  b.step(std::move(question));
  auto reply = only_reply(b);
  EXPECT_TRUE(reply.body.as<BlobData>()) << "another node is told nothing but the bytes";
  a.step(std::move(reply));
  auto found = found_in(a);
  ASSERT_EQ(found.size(), 2u) << "the third is not sampled";
  EXPECT_EQ(found[0].holder(), to_bytes(node_b));
  EXPECT_EQ(found[0].waiters(), 3u);
  EXPECT_FALSE(found[0].cached());
  flush(a);
  a.step(traced_get(a, get(ref("hello", node_b)), 4));
  found = found_in(a);
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].holder(), "") << "it is here";
  EXPECT_EQ(found[0].waiters(), 0u);
}

TEST_F(blobs, a_trace_is_told_who_did_not_have_a_blob) {
  a.step(traced_get(a, get(ref("hello", node_b)), 1));
  auto question = only_question(a);
  a.step(reply_failure(question, {ec::not_found, "not here"}));
  auto found = found_in(a);
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].holder(), to_bytes(node_b));
}
