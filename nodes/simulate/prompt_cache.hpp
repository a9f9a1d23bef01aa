#pragma once

#include "nodes/simulate/provider_request.hpp"
#include "nodes/simulate/simulated_answer.hpp"

#include <chrono>
#include <cstdint>
#include <mutex>
#include <unordered_map>

namespace troupe {

/// What a provider keeps of the prompts that it has read, for each API key and model, up to five
/// minutes after it was used last.
///
/// - OpenAI's: by itself, of prompts of 1,024 tokens or more; what a prompt has in common with an
///   earlier one from its beginning on, in steps of 128 tokens.
/// - Anthropic's: what ends with a `cache_control`, if it has 1,024 tokens or more; a mark also
///   finds what an earlier request kept up to one of the twenty blocks before it.
///
/// A request is kept when its answer begins: those that come at the same time do not find it.
/// Bounded: what was not used for longest goes first. Thread-safe.
class prompt_cache {
public:
  using time_point = std::chrono::steady_clock::time_point;

  struct cache_use {
    std::uint64_t read = 0, written = 0; ///< tokens
    void tell(simulated_answer& answer) const {
      answer.cached_tokens = read;
      answer.cache_written_tokens = written;
    }
  };

  /// What of the request is there, and what will be. `owner` stands for an API key.
  cache_use look_up(const provider_request& asked, std::uint64_t owner, time_point now);

  void keep(const provider_request& asked, std::uint64_t owner, time_point now);

private:
  using entries = std::unordered_map<std::uint64_t, time_point>; ///< until when

  bool use(std::uint64_t entry, time_point now);
  void put(std::uint64_t entry, time_point now);

  std::mutex mutex_;
  entries young_, old_;
};

} // namespace troupe
