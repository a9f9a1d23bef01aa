#include "tests/unit/llm/models_fixture.hpp"

#include <string>
#include <vector>

namespace troupe {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

/// Calls of a provider that tells of its limits, or refuses what is too much.
class limited_calls : public models_of_a_node {
protected:
  void prepare(models_logic::options& options) override {
    options.nodes_up = [this] { return nodes; };
  }
  outputs ask(std::uint64_t number, const std::string& role = "reader") {
    auto request = call_of(std::to_string(number), number, role);
    request.remaining = 600s;
    return noted(take(std::move(request)));
  }
  /// Its answer, in whose headers so many requests are left; all 60 are back in a minute.
  outputs answer(std::uint64_t call, const std::string& left) {
    limit_headers told;
    told.take_lines("x-ratelimit-limit-requests: 60\nx-ratelimit-remaining-requests: " + left
                        + "\nx-ratelimit-reset-requests: 60s\n",
                    {});
    port.limits_told = told;
    return noted(take(event_of(came(call, "Yes.", true))));
  }
  outputs refuse(std::uint64_t call, const std::string& retry_after = "") {
    auto happened = came(call, "", true, 429);
    happened.set_retry_after(retry_after);
    return noted(take(event_of(std::move(happened))));
  }
  /// Until the provider's own timer runs out.
  outputs wait() {
    now_ += pace_timer_.after;
    return noted(take(timer_fired{pace_timer_.id}));
  }

  std::uint32_t nodes = 1;
  outputs::timer pace_timer_;

private:
  outputs noted(outputs out) {
    for (const auto& timer : out.timers)
      if ((timer.id & 0x4000'0000) != 0)
        pace_timer_ = timer;
    return out;
  }
};

TEST_F(limited_calls, wait_until_the_limit_lets_them_go) {
  make();
  ask(1);
  answer(1, "1");
  ask(2);
  ask(3);
  EXPECT_THAT(port.bodies(), ElementsAre("1", "2"));
  EXPECT_THAT(counted_.to_text(),
              AllOf(HasSubstr("llm_limit_left{provider=\"api\",type=\"requests\"} 0\n"),
                    HasSubstr("llm_calls_held_back_total{provider=\"api\"} 1\n")));
  auto before = now_;
  wait();
  EXPECT_THAT(port.bodies(), ElementsAre("1", "2", "3"));
  EXPECT_GT(now_, before);
  EXPECT_LE(now_, before + 2s) << "59 come back in a minute";
}

TEST_F(limited_calls, of_several_nodes_take_only_their_share) {
  nodes = 4;
  make();
  ask(1);
  answer(1, "8");
  for (std::uint64_t number = 2; number <= 9; ++number)
    ask(number);
  EXPECT_THAT(port.started, SizeIs(3)) << "two of the eight";
}

TEST_F(limited_calls, stop_after_a_429_for_as_long_as_it_says) {
  make();
  ask(1);
  ask(2);
  EXPECT_THAT(answer_in(refuse(1, "7")), HasSubstr("status 429"));
  ask(3);
  EXPECT_THAT(port.bodies(), ElementsAre("1", "2"));
  answer(2, "9"); // it went before
  EXPECT_THAT(port.started, SizeIs(2)) << "it tells nothing of what is to come";
  wait();
  EXPECT_EQ(now_, instant{1'007s});
  EXPECT_THAT(port.bodies(), ElementsAre("1", "2", "3"));
}

TEST_F(limited_calls, go_on_with_another_key) {
  port.rested_key = true;
  make();
  ask(1);
  refuse(1, "7");
  ask(2);
  answer(2, "0");
  ask(3);
  EXPECT_THAT(port.bodies(), ElementsAre("1", "2", "3")) << "what one key has left is not all";
}

TEST_F(limited_calls, take_turns_while_they_wait) {
  make();
  ask(1);
  answer(1, "0");
  for (std::uint64_t number = 2; number <= 4; ++number)
    ask(number, "reader");
  ask(5, "writer");
  for (int i = 0; i < 2; ++i)
    wait();
  EXPECT_THAT(port.bodies(), ElementsAre("1", "2", "5"));
}

TEST_F(limited_calls, whose_time_is_over_say_what_they_waited_for) {
  make();
  ask(1);
  refuse(1, "50");
  auto request = call_of("2", 2);
  request.remaining = 5s;
  auto out = take(std::move(request));
  now_ += 5s;
  EXPECT_THAT(answer_in(take(timer_fired{2})),
              HasSubstr("waited for its turn at provider api for all of its time: the provider "
                        "takes no more for now"));
  EXPECT_THAT(port.started, SizeIs(1));
}

TEST_F(limited_calls, that_end_unheard_are_counted_no_more) {
  make();
  ask(1);
  answer(1, "3");
  ask(2);
  take(event_of(came(2, "", true, 0)));
  ask(3);
  ask(4);
  EXPECT_THAT(port.bodies(), ElementsAre("1", "2", "3", "4"));
  ask(5);
  EXPECT_THAT(port.started, SizeIs(4)) << "the lost one may have been counted by the provider";
}

} // namespace troupe
