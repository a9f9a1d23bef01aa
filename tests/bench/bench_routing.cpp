// The choice of a model: a decision among 50, the estimate of a prompt's complexity, and how close
// `fastest` comes to the best provider when that one changes.
#include "actors/llm/routing/complexity.hpp"
#include "actors/llm/routing/router.hpp"
#include "actors/text/tokens.hpp"
#include "tests/bench/report.hpp"

#include <algorithm>
#include <map>
#include <numeric>
#include <random>
#include <string>
#include <vector>

namespace {

using namespace troupe;
using namespace troupe::bench;
using namespace std::chrono_literals;

/// Of one of so many.
template <class Do>
double microseconds_of(int times, Do todo) {
  auto at = std::chrono::steady_clock::now();
  for (int i = 0; i < times; ++i)
    todo(i);
  return seconds_since(at) * 1e6 / times;
}

// -- a decision -----------------------------------------------------------------------------------

constexpr std::uint16_t models = 50;

std::vector<route_candidate> fifty_models() {
  static const std::vector<model_price> prices = [] {
    std::vector<model_price> all(models);
    for (std::size_t i = 0; i < all.size(); ++i) {
      auto cents = static_cast<nano_usd>(i * 37 % models + 1);
      all[i].base = {cents, cents, cents, cents, cents};
    }
    return all;
  }();
  std::vector<route_candidate> all;
  for (std::uint16_t i = 0; i < models; ++i) {
    route_candidate made;
    made.provider = "provider";
    made.model = "model-" + std::to_string(i);
    made.can.tier = static_cast<model_tier>(i % 3);
    made.can.context_tokens = 8'000 + 1'000 * i;
    made.is_known = true;
    made.price = &prices[i];
    all.push_back(std::move(made));
  }
  return all;
}

double decision(route_policy policy) {
  route_config route;
  route.name = "auto";
  route.policy = policy;
  route.rules = usual_rules();
  router chooses{route, fifty_models()};
  std::vector<candidate_health> health(models, candidate_health::fine);
  route_question asked;
  asked.task = task_type::planning;
  asked.input_tokens = 2'000;
  std::size_t seen = 0;
  auto took = microseconds_of(20'000, [&](int i) {
    asked.complexity = i % 100 / 100.0;
    auto made = chooses.decide(asked, health, instant{1s + i * 1ms});
    seen += made.order.size();
    chooses.first_piece(made.order.front(), 100ms, instant{1s + i * 1ms});
  });
  return seen == 0 ? 0 : took;
}

/// What no choice by price can do without.
double sorted_prices() {
  std::vector<double> prices(models);
  std::vector<std::uint16_t> order(models);
  std::size_t seen = 0;
  auto took = microseconds_of(20'000, [&](int i) {
    for (std::size_t at = 0; at < models; ++at)
      prices[at] = static_cast<double>((at * 37 + static_cast<std::size_t>(i)) % models);
    std::iota(order.begin(), order.end(), std::uint16_t{0});
    std::stable_sort(order.begin(), order.end(),
                     [&](auto a, auto b) { return prices[a] < prices[b]; });
    seen += order.front();
  });
  return seen == 0 ? 0 : took;
}

// -- an estimate ----------------------------------------------------------------------------------

std::string prompt() {
  std::string text;
  while (text.size() < 3 * 1024)
    text += "Compare the two designs, and prove which one loses no message when a node fails. ";
  return text;
}

double estimated() {
  auto text = prompt();
  double seen = 0;
  auto took = microseconds_of(5'000, [&](int i) {
    text[static_cast<std::size_t>(i) % text.size()] = 'e';
    seen += estimate_complexity(text).value;
  });
  return seen < 0 ? 0 : took;
}

double counted() {
  auto text = prompt();
  std::uint64_t seen = 0;
  auto took = microseconds_of(5'000, [&](int i) {
    text[static_cast<std::size_t>(i) % text.size()] = 'e';
    seen += count_tokens(text);
  });
  return seen == 0 ? 0 : took;
}

// -- fastest --------------------------------------------------------------------------------------

/// Three providers on simulated time; every 30 s another one is the best (100 ms, the others 300).
/// 20 calls a second for five minutes. The median that callers wait for the first piece, in ms.
double waited(bool knows_the_best) {
  route_config route;
  route.name = "auto";
  route.policy = route_policy::fastest;
  auto three = fifty_models();
  three.resize(3);
  router chooses{route, three};
  std::vector<candidate_health> health(3, candidate_health::fine);
  std::minstd_rand random{7};
  std::vector<double> all;
  std::multimap<instant, std::pair<std::size_t, std::chrono::nanoseconds>> running;
  for (instant now{1s}; now < instant{301s}; now += 50ms) {
    for (; !running.empty() && running.begin()->first <= now; running.erase(running.begin()))
      chooses.first_piece(running.begin()->second.first, running.begin()->second.second,
                          running.begin()->first);
    auto best = static_cast<std::size_t>(now.time_since_epoch() / 30s) % 3;
    auto who = knows_the_best ? best : chooses.decide({}, health, now).order.front();
    std::chrono::nanoseconds took = (who == best ? 100ms : 300ms);
    took = took * (90 + static_cast<std::int64_t>(random() % 21)) / 100;
    all.push_back(std::chrono::duration<double, std::milli>(took).count());
    running.emplace(now + took, std::pair{who, took});
  }
  return median(std::move(all));
}

} // namespace

int main() {
  compare(
      "a decision among 50 models, by_complexity", "us", 5,
      [] { return decision(route_policy::by_complexity); }, "50 prices sorted; aim: at most 20 us",
      sorted_prices);
  report("a decision among 50 models, fastest", "us", decision(route_policy::fastest),
         "aim: at most 20");
  compare("the complexity of a prompt of 3 KiB", "us", 5, estimated,
          "its tokens counted; aim: at most 50 us", counted);
  compare(
      "fastest of three, another is the best every 30 s", "ms until the first piece, p50", 1,
      [] { return waited(false); }, "always the best; aim: 5 % more", [] { return waited(true); });
}
