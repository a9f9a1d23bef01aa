#include "nodes/simulate/simulated_limits.hpp"

#include <algorithm>
#include <cmath>
#include <ctime>
#include <string_view>

namespace troupe {

namespace {

constexpr double window_seconds = 60;

double seconds_between(auto from, auto to) {
  return std::chrono::duration<double>(to - from).count();
}

std::chrono::milliseconds milliseconds_of(double seconds) {
  constexpr double noise = 1e-6; // of the arithmetic
  return std::chrono::milliseconds{static_cast<std::int64_t>(std::ceil(seconds * 1'000 - noise))};
}

/// "1.5s", as Go writes it.
std::string go_text(std::chrono::milliseconds time) {
  if (time < std::chrono::seconds{1})
    return std::to_string(time.count()) + "ms";
  auto text = std::to_string(time.count() / 1'000);
  if (auto rest = time.count() % 1'000; rest != 0)
    text += "." + std::to_string(1'000 + rest).substr(1);
  return text + "s";
}

/// RFC 3339, the second after.
std::string date_text(simulated_limits::wall::time_point at) {
  auto second = simulated_limits::wall::to_time_t(std::chrono::ceil<std::chrono::seconds>(at));
  std::tm parts{};
  ::gmtime_r(&second, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text;
}

} // namespace

simulated_limits::judged_call simulated_limits::take(const std::string& key, std::uint64_t tokens,
                                                     bool anthropic, steady::time_point now,
                                                     wall::time_point wall_now) {
  struct asked_stock {
    key_stock* of;
    double most, amount;
    std::string_view what;
  };
  std::lock_guard guard{mutex_};
  if (keys_.size() >= limits::simulate_limited_keys_max && !keys_.contains(key))
    keys_.clear(); // strangers begin anew
  auto [found, is_new] = keys_.try_emplace(key);
  std::vector<asked_stock> all;
  if (most_.requests != 0)
    all.push_back({&found->second.requests, static_cast<double>(most_.requests), 1, "requests"});
  if (most_.tokens != 0)
    all.push_back({&found->second.tokens, static_cast<double>(most_.tokens),
                   static_cast<double>(std::min(tokens, most_.tokens)), "tokens"});
  judged_call made;
  for (auto& one : all) {
    auto grown = is_new
                     ? one.most
                     : one.most / window_seconds * std::max(0.0, seconds_between(one.of->at, now));
    *one.of = {std::min(one.most, one.of->left + grown), now};
    if (one.of->left >= one.amount)
      continue;
    made.is_refused = true;
    auto lacks = (one.amount - one.of->left) / one.most * window_seconds;
    made.retry_after = std::max(made.retry_after, milliseconds_of(lacks));
  }
  for (auto& one : all) {
    if (!made.is_refused)
      one.of->left -= one.amount;
    auto full_in = milliseconds_of((one.most - one.of->left) / one.most * window_seconds);
    auto say = [&](std::string_view which, std::string value) {
      made.told.emplace_back(
          anthropic ? std::string{"anthropic-ratelimit-"}.append(one.what).append("-").append(which)
                    : std::string{"x-ratelimit-"}.append(which).append("-").append(one.what),
          std::move(value));
    };
    say("limit", std::to_string(static_cast<std::uint64_t>(one.most)));
    say("remaining", std::to_string(static_cast<std::uint64_t>(one.of->left)));
    say("reset", anthropic ? date_text(wall_now + full_in) : go_text(full_in));
  }
  return made;
}

} // namespace troupe
