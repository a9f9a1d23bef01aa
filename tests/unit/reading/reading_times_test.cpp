#include "actors/reading/reading_times.hpp"
#include "config/limits/reading.hpp"
#include "tests/unit/reading/reading_fixture.hpp"

#include <set>
#include <string>

/// What a trace is told about the time of a request.
namespace troupe {
namespace {

using namespace troupe::tests;

using reading_times_test = reading_logic_test;

constexpr trace_context sampled{{1, 2}, {3}, trace_context::flag_sampled};

std::int64_t nanoseconds(instant at) { return at.time_since_epoch().count(); }

TEST_F(reading_times_test, tells_a_trace_where_the_time_went) {
  instant clock;
  reading_logic::options options;
  options.clock = [&clock] { return clock += 1ms; }; // each job takes a millisecond
  make(std::move(options));
  auto asked_at = on.now;
  ask(read_of("a"), 10s, sampled);
  auto asked = gets();
  ASSERT_EQ(asked.size(), 1u);
  EXPECT_EQ(asked[0].trace.trace, (trace_id{1, 2})) << "the blob is fetched within the trace";
  EXPECT_TRUE(asked[0].trace.sampled());
  on.now += 5ms;
  BlobFound found;
  found.set_waiters(2);
  on.step(*subject, reply_to(asked[0], found, message_kind::piece));
  give(asked[0], text_of_size(long_text));
  clock = on.now + 20ms; // the pool is busy until then
  work();
  EXPECT_FALSE(the_times()) << "it is made, and not read yet";
  work();
  auto times = the_times();
  ASSERT_TRUE(times);
  ASSERT_EQ(times->waits_size(), 1);
  EXPECT_EQ(times->waits(0).from_ns(), nanoseconds(asked_at));
  EXPECT_EQ(times->waits(0).until_ns(), nanoseconds(asked_at + 5ms));
  EXPECT_EQ(times->waits(0).size_bytes(), long_text);
  EXPECT_EQ(times->waits(0).found().waiters(), 2u);
  EXPECT_FALSE(times->waits(0).has_why());
  EXPECT_EQ(times->began_ns(), nanoseconds(asked_at + 26ms));
  EXPECT_GE(times->work_ns(), 2'000'000) << "making the document and reading in it";
  EXPECT_EQ(times->documents(), 1u);
  auto read = the_reply().body.as<ReadingAnswer>()->read();
  std::set<std::string> shown;
  for (const auto* prompt : {&read.central(), &read.answering()})
    for (const auto& passage : *prompt)
      shown.insert(passage.source() + '\n' + passage.text());
  EXPECT_LT(static_cast<int>(shown.size()), read.central_size() + read.answering_size());
  EXPECT_EQ(times->chosen(), shown.size()) << "what is in both prompts counts once";
  EXPECT_GT(times->passages(), 0u);
  EXPECT_LE(times->chosen(), times->passages());
  on.now += 1s;
  ask(read_of("a"), 10s, sampled);
  work();
  times = the_times();
  ASSERT_TRUE(times);
  EXPECT_EQ(times->waits_size(), 0) << "it was there";
}

TEST_F(reading_times_test, tells_a_trace_what_it_waited_for_in_vain) {
  ask(gather_of({"a", "b"}, 10), 10s, sampled);
  auto asked = gets();
  ASSERT_EQ(asked.size(), 2u);
  on.now += 2ms;
  on.step(*subject, reply_failure(asked[0], {ec::not_found, "it is nowhere"}));
  on.now += 10s;
  on.step(*subject, timer_fired{2});
  auto times = the_times();
  ASSERT_TRUE(times);
  ASSERT_EQ(times->waits_size(), 2);
  EXPECT_EQ(from_proto(times->waits(0).why()).code, ec::not_found);
  EXPECT_EQ(from_proto(times->waits(1).why()).code, ec::timed_out);
  EXPECT_EQ(times->waits(1).until_ns(), nanoseconds(on.now));
  EXPECT_EQ(times->began_ns(), 0) << "no work began";
  auto reply = the_reply();
  EXPECT_EQ(code_of(reply), ec::timed_out);
}

TEST_F(reading_times_test, tells_no_times_without_a_trace) {
  ask(read_of("a", 10));
  auto asked = gets();
  ASSERT_EQ(asked.size(), 1u);
  EXPECT_FALSE(asked[0].trace.sampled());
  on.now += 2ms;
  give(asked[0], "ten bytes.");
  EXPECT_FALSE(the_times());
  the_reply();
}

TEST(reading_times, a_trace_gets_the_first_waits_and_only_so_many) {
  reading_times times{true};
  times.want(instant{1s});
  for (std::size_t i = 1; i <= limits::reading_waits_told_max + 5; ++i)
    times.waited(instant{2s}, i, {}, {});
  auto told = times.take(1'000);
  ASSERT_EQ(told.waits_size(), static_cast<int>(limits::reading_waits_told_max));
  EXPECT_EQ(told.waits(told.waits_size() - 1).size_bytes(), limits::reading_waits_told_max);
  EXPECT_EQ(told.documents(), 1'000u) << "all are counted";
}

} // namespace
} // namespace troupe
