#include "actors/supervision/supervisor_logic.hpp"

#include <algorithm>

namespace troupe {

supervisor_logic::supervisor_logic(options given, std::size_t children)
    : given_(given), running_(children, false) {}

void supervisor_logic::started(std::size_t child) { running_.at(child) = true; }

supervisor_logic::decision supervisor_logic::ended(std::size_t child, bool asked, instant now) {
  running_.at(child) = false;
  if (asked || stopping())
    return {reaction::ignore, {}};
  while (!restarts_.empty() && now - restarts_.front() > given_.period)
    restarts_.pop_front();
  auto recent = restarts_.size();
  if (recent >= given_.intensity) {
    now_ = phase::given_up;
    return {reaction::give_up, {}};
  }
  restarts_.push_back(now);
  if (recent == 0)
    return {reaction::restart, std::chrono::nanoseconds{0}};
  auto doubled = given_.backoff_min * (std::int64_t{1} << std::min<std::size_t>(recent, 20));
  return {reaction::restart, std::min(doubled, given_.backoff_max)};
}

bool supervisor_logic::invariants() const {
  return restarts_.size() <= given_.intensity && std::is_sorted(restarts_.begin(), restarts_.end())
         && (now_ != phase::given_up || restarts_.size() == given_.intensity);
}

std::size_t supervisor_logic::next_to_stop() {
  if (now_ == phase::keeping)
    now_ = phase::stopping;
  for (auto i = running_.size(); i-- > 0;)
    if (running_[i])
      return i;
  return running_.size();
}

} // namespace troupe
