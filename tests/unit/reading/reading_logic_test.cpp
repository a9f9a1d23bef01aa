#include "tests/unit/reading/reading_fixture.hpp"

namespace troupe {
namespace {

using namespace troupe::tests;

TEST_F(reading_logic_test, reads_a_document_in_jobs_and_answers) {
  ask(read_of("a"));
  auto asked = gets();
  ASSERT_EQ(asked.size(), 1u);
  EXPECT_EQ(asked[0].target.svc, service::blobs);
  EXPECT_EQ(asked[0].body.as<BlobGet>()->blob().sha256(), "a");
  EXPECT_TRUE(give(asked[0], text_of_size(long_text)).sends.empty());
  ASSERT_EQ(jobs.size(), 1u) << "it is made";
  EXPECT_TRUE(work().sends.empty());
  ASSERT_EQ(jobs.size(), 1u) << "it is looked into";
  work();
  auto reply = the_reply();
  EXPECT_EQ(reply.id.sequence, 1u);
  auto answer = reply.body.as<ReadingAnswer>();
  ASSERT_NE(answer, nullptr);
  EXPECT_GT(answer->read().lines(), 0u);
  EXPECT_EQ(answer->read().answering(0).source().substr(0, 5), "doc a");
}

TEST_F(reading_logic_test, reads_a_document_once_for_all_who_ask) {
  ask(read_of("a"));
  auto asked = gets();
  ask(read_of("a"));
  EXPECT_TRUE(gets().empty());
  give(asked[0], text_of_size(long_text));
  EXPECT_EQ(jobs.size(), 1u);
  work();
  EXPECT_EQ(jobs.size(), 2u);
  EXPECT_EQ(work().sends.size(), 2u);
  ask(read_of("a"));
  EXPECT_TRUE(gets().empty());
  ASSERT_EQ(jobs.size(), 1u) << "it is still there";
  EXPECT_EQ(work().sends.size(), 1u);
}

TEST_F(reading_logic_test, does_what_is_small_at_once) {
  ask(read_of("a", 20));
  auto asked = gets();
  give(asked[0], "A line of text.\n");
  EXPECT_TRUE(jobs.empty());
  EXPECT_EQ(the_reply().body.as<ReadingAnswer>()->read().answering(0).text(), "A line of text.");
}

TEST_F(reading_logic_test, a_second_large_document_waits_for_the_first) {
  constexpr auto large = limits::document_bytes_max;
  ask(read_of("a", large));
  auto first = gets();
  ask(read_of("b", large));
  EXPECT_TRUE(gets().empty());
  ask(read_of("small", 100)); // must not wait
  EXPECT_EQ(gets().size(), 1u);
  give(first[0], std::string(large, 'x'));
  work();
  EXPECT_TRUE(gets().empty());
  work();
  EXPECT_EQ(gets().size(), 1u);
}

TEST_F(reading_logic_test, tells_why_a_document_cannot_be_had) {
  ask(read_of("a"));
  auto asked = gets();
  on.step(*subject, reply_failure(asked[0], {ec::unavailable, "node-3 is down"}));
  auto reply = the_reply();
  EXPECT_EQ(code_of(reply), ec::unavailable);
  ask(read_of("a"));
  EXPECT_EQ(gets().size(), 1u) << "it is asked for again";
}

TEST_F(reading_logic_test, refuses_a_document_that_is_larger_than_any) {
  ask(read_of("a", limits::document_bytes_max + 1));
  auto reply = the_reply();
  EXPECT_EQ(code_of(reply), ec::too_large);
}

TEST_F(reading_logic_test, gathers_from_many_documents_and_names_those_that_are_missing) {
  std::vector<std::string> hashes;
  for (std::size_t i = 0; i < 3 * limits::gathering_batch_max; ++i)
    hashes.push_back("h" + std::to_string(i));
  ask(gather_of(hashes, 30));
  std::size_t rounds = 0, asked = 0;
  for (; !on.out.sends.empty() && on.out.sends.front().kind != message_kind::reply; ++rounds) {
    auto fetches = gets();
    asked += fetches.size();
    for (auto& get : fetches) {
      auto hash = get.body.as<BlobGet>()->blob().sha256();
      if (hash == "h7")
        on.step(*subject, reply_failure(get, {ec::not_found, "it is gone"}));
      else
        give(get, "Words of " + hash + ".\n");
    }
    work();
  }
  EXPECT_EQ(rounds, 3u);
  EXPECT_EQ(asked, hashes.size());
  auto reply = the_reply();
  auto& made = reply.body.as<ReadingAnswer>()->gathered();
  ASSERT_EQ(made.excerpts_size(), static_cast<int>(hashes.size()) - 1);
  EXPECT_EQ(made.excerpts(100).text(), "Words of h101.");
  ASSERT_EQ(made.unread_size(), 1);
  EXPECT_EQ(made.unread(0).name(), "doc h7");
}

TEST_F(reading_logic_test, gathers_from_few_at_once_and_the_others_wait) {
  std::vector<std::string> hashes(2 * limits::gathering_batch_max);
  for (std::size_t i = 0; i < hashes.size(); ++i)
    hashes[i] = "h" + std::to_string(i);
  for (std::size_t i = 0; i < limits::wide_requests_max; ++i) {
    ask(gather_of(hashes, 30));
    gets();
  }
  ask(gather_of({"other"}, 30));
  EXPECT_EQ(gets().size(), 1u) << "one that holds little does not wait";
  hashes[0] = "only here";
  ask(gather_of(hashes, 30));
  EXPECT_TRUE(gets().empty());
}

TEST_F(reading_logic_test, ends_when_the_time_of_its_caller_is_over) {
  ask(read_of("a"), 10s);
  auto asked = gets();
  auto timer = on.out.timers.front();
  EXPECT_EQ(timer.after, 10s);
  give(asked[0], text_of_size(long_text));
  on.step(*subject, timer_fired{timer.id});
  auto reply = the_reply();
  EXPECT_EQ(code_of(reply), ec::timed_out);
  EXPECT_TRUE(work().sends.empty()) << "nobody is answered twice";
  EXPECT_TRUE(jobs.empty()) << "nothing is done for nobody";
}

TEST_F(reading_logic_test, ends_when_its_sender_gives_it_up) {
  ask(read_of("a"));
  auto asked = gets();
  give(asked[0], text_of_size(long_text));
  auto other = address::of_session(session_id{78}, this_node);
  on.step(*subject, make_cancel({ada, 1}, other, address::of(service::reading)));
  EXPECT_TRUE(on.out.sends.empty()) << "it is none of theirs";
  on.step(*subject, make_cancel({ada, 1}, client(), address::of(service::reading)));
  auto reply = the_reply();
  EXPECT_EQ(code_of(reply), ec::cancelled);
  EXPECT_TRUE(work().sends.empty());
}

TEST_F(reading_logic_test, makes_a_document_anew_that_was_broken_off_and_is_wanted_again) {
  ask(read_of("a"), 10s);
  auto asked = gets();
  auto timer = on.out.timers.front().id;
  give(asked[0], text_of_size(long_text));
  on.step(*subject, timer_fired{timer});
  ask(read_of("a"));
  EXPECT_TRUE(gets().empty());
  work();
  asked = gets();
  ASSERT_EQ(asked.size(), 1u);
  give(asked[0], text_of_size(long_text));
  work();
  work();
  EXPECT_NE(the_reply().body.as<ReadingAnswer>(), nullptr);
}

TEST_F(reading_logic_test, breaks_work_off_by_the_clock) {
  auto now = on.now;
  reading_logic::options options;
  options.clock = [&now] { return now; };
  make(std::move(options));
  std::vector<std::string> hashes{"a", "b"};
  ask(gather_of(hashes, long_text), 1s);
  for (auto& get : gets())
    give(get, text_of_size(long_text));
  work();
  now += 2s;
  work();
  EXPECT_TRUE(the_reply().body.as<ReadingAnswer>()->gathered().excerpts().empty());
}

TEST_F(reading_logic_test, refuses_more_than_may_wait) {
  for (std::size_t i = 0; i < limits::reading_requests_max; ++i)
    ask(read_of("a"));
  ask(read_of("a"));
  auto reply = the_reply();
  EXPECT_EQ(code_of(reply), ec::overloaded);
}

TEST_F(reading_logic_test, drops_documents_that_nobody_asked_about_for_a_while) {
  ask(read_of("a", 20));
  auto asked = gets();
  give(asked[0], "A line.\n");
  std::uint32_t timer = 0;
  for (const auto& one : on.out.timers)
    if (one.after == limits::documents_kept)
      timer = one.id;
  ASSERT_NE(timer, 0u);
  on.now += limits::documents_kept;
  on.step(*subject, timer_fired{timer});
  ask(read_of("a", 20));
  EXPECT_EQ(gets().size(), 1u);
}

TEST_F(reading_logic_test, answers_who_waits_when_it_stops) {
  ask(read_of("a"));
  on.stop(*subject);
  auto reply = the_reply();
  EXPECT_EQ(code_of(reply), ec::unavailable);
}

TEST_F(reading_logic_test, refuses_what_is_none_of_its_requests) {
  auto message = make_envelope(message_kind::request, address::of(service::reading), Echo{});
  message.sender = client();
  on.step(*subject, std::move(message));
  auto reply = the_reply();
  EXPECT_EQ(code_of(reply), ec::bad_message);
}

TEST_F(reading_logic_test, believes_nobody_that_a_job_is_done_before_it_is) {
  ask(read_of("a"));
  auto asked = gets();
  give(asked[0], text_of_size(long_text));
  ReadingDone lie;
  lie.set_job(1);
  on.step(*subject, make_envelope(message_kind::event, address::of(service::reading), lie));
  EXPECT_TRUE(on.out.sends.empty());
  work();
  work();
  EXPECT_NE(the_reply().body.as<ReadingAnswer>(), nullptr);
}

} // namespace
} // namespace troupe
