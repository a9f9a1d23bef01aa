#include "nodes/simulate/prompt_cache.hpp"

#include "config/limits/simulate.hpp"

#include <algorithm>
#include <cstddef>
#include <utility>

namespace troupe {

namespace {

bool is_long_enough(const provider_request::beginning& one) {
  return one.tokens >= limits::simulate_cache_tokens_min;
}

/// The beginning is hashed with its API and model.
std::uint64_t entry_of(const provider_request::beginning& one, std::uint64_t owner) {
  return one.hash ^ (owner * 0x9e3779b97f4a7c15u);
}

} // namespace

prompt_cache::cache_use prompt_cache::look_up(const provider_request& asked, std::uint64_t owner,
                                              time_point now) {
  cache_use made;
  const auto& all = asked.beginnings;
  std::lock_guard lock{mutex_};
  std::size_t left = is_anthropic(asked.api) ? 0 : all.size(); // beginnings that may be found
  for (auto i = all.size(); i-- > 0 && made.read == 0;) {
    if (is_anthropic(asked.api) && all[i].is_marked) {
      left = limits::simulate_cache_blocks_back;
      if (is_long_enough(all[i]))
        made.written = std::max(made.written, all[i].tokens);
    }
    if (left == 0)
      continue;
    --left;
    if (is_long_enough(all[i]) && use(entry_of(all[i], owner), now))
      made.read = all[i].tokens;
  }
  made.written -= std::min(made.read, made.written);
  return made;
}

void prompt_cache::keep(const provider_request& asked, std::uint64_t owner, time_point now) {
  std::lock_guard lock{mutex_};
  for (const auto& one : asked.beginnings)
    if (is_long_enough(one) && (one.is_marked || !is_anthropic(asked.api)))
      put(entry_of(one, owner), now);
}

bool prompt_cache::use(std::uint64_t entry, time_point now) {
  for (const auto* some : {&young_, &old_})
    if (auto found = some->find(entry); found != some->end() && found->second > now) {
      put(entry, now);
      return true;
    }
  return false;
}

void prompt_cache::put(std::uint64_t entry, time_point now) {
  young_[entry] = now + limits::simulate_cache_lifetime;
  if (young_.size() >= limits::simulate_cache_entries_max / 2)
    old_ = std::exchange(young_, {});
}

} // namespace troupe
