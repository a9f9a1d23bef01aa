#pragma once

#include "config/limits/simulate.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace troupe {

/// The limits of a provider, for each key: requests and tokens a minute. A stock that is full at
/// first and grows evenly; a call that finds too little is refused with 429 and told when to come
/// back. Every answer says in its headers what is left, as OpenAI (`x-ratelimit-*`) or Anthropic
/// (`anthropic-ratelimit-*`) does. Thread-safe.
class simulated_limits {
public:
  using headers = std::vector<std::pair<std::string, std::string>>;
  using steady = std::chrono::steady_clock;
  using wall = std::chrono::system_clock;

  /// 0: no limit.
  struct per_minute {
    std::uint64_t requests = 0, tokens = 0;
  };
  struct judged_call {
    headers told;
    bool is_refused = false;
    std::chrono::milliseconds retry_after{0}; ///< if it is refused
  };

  explicit simulated_limits(per_minute most) : most_(most) {}

  bool is_none() const noexcept { return most_.requests == 0 && most_.tokens == 0; }
  /// A call of so many tokens with that key. One that is refused takes nothing.
  judged_call take(const std::string& key, std::uint64_t tokens, bool anthropic,
                   steady::time_point now, wall::time_point wall_now);

private:
  struct key_stock {
    double left = 0;
    steady::time_point at{};
  };
  struct stocks_of_key {
    key_stock requests, tokens;
  };

  per_minute most_;
  std::mutex mutex_;
  std::map<std::string, stocks_of_key> keys_; ///< at most `simulate_limited_keys_max`
};

} // namespace troupe
