#include "actors/llm/failing/attempt_plan.hpp"
#include "config/base/split_mix.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

/// Chains of three providers on simulated time, whose faults come from a seed.
namespace troupe {
namespace {

using namespace std::chrono_literals;
using std::chrono::nanoseconds;
using instant = attempt_plan::instant;
using what = attempt_plan::advice::what;

/// What a provider makes of one call, as `troupe simulate` does.
struct reaction_of_provider {
  ec code = ec::none; ///< none: an answer
  unsigned status = 200;
  nanoseconds after{0}; ///< `nanoseconds::max()`: it hangs
  std::optional<nanoseconds> retry_after;
};

/// The node: its budget, its breakers, and calls on their way.
class simulated_node {
public:
  using provider = std::function<reaction_of_provider(instant)>;

  simulated_node(std::vector<provider> providers, std::uint64_t seed)
      : providers_(std::move(providers)), breakers_(providers_.size()), random_(seed) {}

  struct outcome_of_call {
    bool is_answered = false;
    nanoseconds took{0};
    std::string words;
    std::vector<std::uint16_t> asked;
  };

  void begin(instant now, nanoseconds time, const attempt_limits& terms,
             std::vector<std::uint16_t> order) {
    // As the router does: those whose breakers are open come last.
    std::stable_partition(order.begin(), order.end(),
                          [&](auto one) { return breakers_[one].lets_pass(now); });
    budget_.call_began(now);
    calls_.push_back({attempt_plan{order, terms, now + time}, now, {}, {}, {}});
    turns_.emplace(now, calls_.size() - 1);
  }

  /// Works on what is due up to then.
  void run_to(instant until) {
    while (!turns_.empty() && turns_.begin()->first <= until) {
      auto [now, call] = *turns_.begin();
      turns_.erase(turns_.begin());
      step(calls_[call], call, now);
    }
  }

  std::vector<outcome_of_call> outcomes() const {
    std::vector<outcome_of_call> all;
    for (const auto& call : calls_)
      all.push_back(call.end);
    return all;
  }
  std::uint64_t attempts = 0;

private:
  struct expected_end {
    std::uint32_t attempt;
    instant at;
    reaction_of_provider how;
    bool is_probe;
  };
  struct call_on_its_way {
    attempt_plan plan;
    instant began;
    outcome_of_call end;
    std::vector<expected_end> running;
    bool is_done = false;
  };

  void step(call_on_its_way& one, std::size_t number, instant now) {
    if (one.is_done)
      return;
    auto running = std::exchange(one.running, {});
    for (auto& each : running) {
      if (each.at > now) {
        one.running.push_back(each);
        continue;
      }
      auto candidate = one.plan.candidate_of(each.attempt);
      if (each.how.code == ec::none) {
        breakers_[candidate].succeeded(now);
        one.end.is_answered = one.is_done = true;
        one.end.took = now - one.began;
        return;
      }
      attempt_failure why{{each.how.code, "fault"}, each.how.status, true, each.how.retry_after};
      if (is_illness(why))
        breakers_[candidate].failed(now);
      else
        breakers_[candidate].told_nothing(each.is_probe);
      one.plan.failed(each.attempt, now, std::move(why));
    }
    go_on(one, number, now);
  }

  void go_on(call_on_its_way& one, std::size_t number, instant now) {
    for (;;) {
      auto todo = one.plan.next(
          now, [&](auto candidate, instant at) { return breakers_[candidate].lets_pass(at); },
          budget_, random_.next());
      EXPECT_TRUE(one.plan.invariants());
      if (todo.kind == what::over) {
        one.is_done = true;
        one.end.took = now - one.began;
        one.end.words = one.plan.error([](auto i) { return std::to_string(i); }).message;
        return;
      }
      if (todo.kind == what::wait) {
        turns_.emplace(todo.until, number);
        return;
      }
      ++attempts;
      one.end.asked.push_back(todo.candidate);
      auto how = providers_[todo.candidate](now);
      auto at = how.after == nanoseconds::max() ? instant::max() : now + how.after;
      if (todo.until < at) {
        at = todo.until;
        how = {ec::timed_out, 0, {}, {}};
      }
      one.running.push_back({todo.attempt, at, how, breakers_[todo.candidate].begin(now)});
      if (at != instant::max())
        turns_.emplace(at, number);
    }
  }

  std::vector<provider> providers_;
  std::vector<circuit_breaker> breakers_;
  retry_budget budget_;
  split_mix random_;
  std::vector<call_on_its_way> calls_;
  std::multimap<instant, std::size_t> turns_;
};

simulated_node::provider faulty(std::uint64_t seed, unsigned percent) {
  auto dice = std::make_shared<split_mix>(seed);
  return [dice, percent](instant) -> reaction_of_provider {
    auto after = 100ms + std::chrono::milliseconds{dice->next() % 400};
    if (dice->next() % 100 >= percent)
      return {ec::none, 200, after, {}};
    switch (dice->next() % 9) {
      case 0:
        return {ec::overloaded, 429, after, std::chrono::seconds{dice->next() % 20}};
      case 1:
        return {ec::provider_failed, 500, after, {}};
      case 2:
        return {ec::provider_failed, 200, after, {}}; // broke off before its first piece
      case 3:
        return {ec::unavailable, 0, 1ms, {}};
      case 4:
        return {ec::refused, 401, after, {}};
      case 5:
        return {ec::overloaded, 503, after, {}};
      case 6:
        return {ec::overloaded, 529, after, std::chrono::seconds{dice->next() % 3}};
      case 7:
        return {ec::unknown_model, 404, after, {}};
      default:
        return {ec::timed_out, 0, nanoseconds::max(), {}};
    }
  };
}

TEST(a_chain_of_three, answers_whenever_one_of_them_does) {
  int seeds = 1'000, first_ones = 0;
  std::uint64_t attempts = 0;
  for (int seed = 0; seed < seeds; ++seed) {
    split_mix dice{static_cast<std::uint64_t>(seed), 1};
    auto good = dice.next() % 3; // this one always answers, the others have their faults
    std::vector<simulated_node::provider> providers;
    for (std::uint64_t i = 0; i < 3; ++i)
      providers.push_back(
          faulty(dice.next(), i == good ? 0 : static_cast<unsigned>(dice.next() % 101)));
    simulated_node node{providers, dice.next()};
    node.begin(instant{1'000s}, 60s, {}, {0, 1, 2});
    node.run_to(instant{1'100s});
    auto end = node.outcomes().at(0);
    EXPECT_TRUE(end.is_answered) << "seed " << seed << ": " << end.words;
    EXPECT_LE(end.took, 60s);
    first_ones += end.asked.size() == 1;
    attempts += node.attempts;
  }
  std::cout << attempts << " attempts of " << seeds << " calls, " << first_ones << " with one\n";
}

TEST(a_chain_of_three, asks_nobody_whom_the_call_excludes) {
  for (int seed = 0; seed < 1'000; ++seed) {
    split_mix dice{static_cast<std::uint64_t>(seed), 2};
    simulated_node node{{faulty(1, 100), faulty(dice.next(), 50), faulty(dice.next(), 50)},
                        dice.next()};
    node.begin(instant{1'000s}, 60s, {}, {2, 1});
    node.run_to(instant{1'100s});
    auto end = node.outcomes().at(0);
    EXPECT_FALSE(end.asked.empty());
    for (auto asked : end.asked)
      EXPECT_NE(asked, 0u);
  }
}

TEST(a_chain_of_three, keeps_to_the_retry_budget_under_load) {
  for (std::uint64_t seed = 0; seed < 5; ++seed) {
    simulated_node node{{faulty(seed, 100), faulty(seed + 1, 100), faulty(seed + 2, 100)}, seed};
    std::uint64_t calls = 0;
    for (auto now = instant{1'000s}; now < instant{1'010s}; now += 50ms, ++calls) {
      node.begin(now, 10s, {}, {0, 1, 2});
      node.run_to(now);
    }
    node.run_to(instant{1'100s});
    std::uint64_t again = 0;
    for (const auto& call : node.outcomes())
      again += call.asked.size() - std::set(call.asked.begin(), call.asked.end()).size();
    EXPECT_LE(again, calls / 10 + 20) << "seed " << seed;
  }
}

/// As api_error.cpp tells of them.
TEST(an_outage, of_any_kind_costs_no_call_that_another_one_can_answer) {
  for (const auto& kind : {reaction_of_provider{ec::provider_failed, 500, 20ms, {}},
                           {ec::overloaded, 503, 20ms, {}},
                           {ec::overloaded, 529, 20ms, {}},
                           {ec::overloaded, 429, 20ms, {}},
                           {ec::overloaded, 429, 20ms, 1s},
                           {ec::unknown_model, 404, 20ms, {}},
                           {ec::refused, 401, 20ms, {}},
                           {ec::unavailable, 0, 1ms, {}},
                           {ec::timed_out, 0, nanoseconds::max(), {}}}) {
    simulated_node node{{[&](instant) { return kind; },
                         [](instant) -> reaction_of_provider {
                           return {ec::none, 200, 20ms, {}};
                         }},
                        3};
    int calls = 0;
    for (auto now = instant{1'000s}; now < instant{1'010s}; now += 50ms, ++calls) {
      node.begin(now, 10s, {}, {0, 1});
      node.run_to(now);
    }
    node.run_to(instant{1'100s});
    int errors = 0;
    for (const auto& call : node.outcomes())
      errors += !call.is_answered;
    EXPECT_EQ(errors, 0) << "of " << calls << ", status " << kind.status;
  }
}

/// The first of two providers is out for a minute, under 50 calls a second.
TEST(an_outage, costs_few_errors_and_ends_soon) {
  auto out_from = instant{1'010s}, out_to = instant{1'070s};
  auto first = [=](instant now) -> reaction_of_provider {
    if (now >= out_from && now < out_to)
      return {ec::unavailable, 0, 1ms, {}};
    return {ec::none, 200, 100ms, {}};
  };
  auto second = [](instant) -> reaction_of_provider { return {ec::none, 200, 100ms, {}}; };
  simulated_node node{{first, second}, 7};
  std::vector<instant> began;
  for (auto now = instant{1'000s}; now < instant{1'090s}; now += 20ms) {
    node.begin(now, 10s, {}, {0, 1});
    began.push_back(now);
    node.run_to(now);
  }
  node.run_to(instant{1'200s});
  auto ends = node.outcomes();
  int errors = 0;
  std::optional<instant> back;
  for (std::size_t i = 0; i < ends.size(); ++i) {
    errors += !ends[i].is_answered;
    if (began[i] >= out_to && !back && ends[i].asked.front() == 0)
      back = began[i];
  }
  ASSERT_TRUE(back);
  std::cout << errors << " errors of " << ends.size() << " calls; back after "
            << std::chrono::round<std::chrono::milliseconds>(*back - out_to).count()
            << " ms; attempts " << node.attempts << "\n";
  EXPECT_LE(errors, 10);
  EXPECT_LE(*back - out_to, 5s);
  EXPECT_LE(node.attempts, ends.size() + ends.size() / 10 + 30);
}

} // namespace
} // namespace troupe
