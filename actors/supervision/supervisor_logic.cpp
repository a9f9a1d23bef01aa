#include "actors/supervision/supervisor_logic.hpp"

#include <algorithm>

namespace troupe {

supervisor_logic::supervisor_logic(options given, std::size_t children)
    : given_(given), running_(children, false) {}

void supervisor_logic::started(std::size_t child) { running_.at(child) = true; }

supervisor_logic::decision supervisor_logic::ended(std::size_t child, bool asked, instant now) {
  running_.at(child) = false;
  if (asked || stopping_)
    return {reaction::ignore, {}};
  while (!restarts_.empty() && now - restarts_.front() > given_.period)
    restarts_.pop_front();
  auto recent = restarts_.size();
  if (recent >= given_.intensity) {
    stopping_ = true;
    return {reaction::give_up, {}};
  }
  restarts_.push_back(now);
  if (recent == 0)
    return {reaction::restart, std::chrono::nanoseconds{0}};
  auto doubled = given_.backoff_min * (std::int64_t{1} << std::min<std::size_t>(recent, 20));
  return {reaction::restart, std::min(doubled, given_.backoff_max)};
}

std::size_t supervisor_logic::next_to_stop() {
  stopping_ = true;
  for (auto i = running_.size(); i-- > 0;)
    if (running_[i])
      return i;
  return running_.size();
}

} // namespace troupe
