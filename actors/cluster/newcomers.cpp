#include "actors/cluster/newcomers.hpp"

#include "config/limits/links.hpp"

#include <utility>

namespace troupe {

void newcomers::enter(std::uint64_t number, instant now, std::function<void()> leave) {
  std::lock_guard guard{mutex_};
  inside_.insert_or_assign(number, one{now, milestone::silent, false, std::move(leave)});
  ++staying_;
  size_.store(inside_.size(), std::memory_order_relaxed);
}

void newcomers::reached(std::uint64_t number, milestone step) {
  std::lock_guard guard{mutex_};
  if (auto found = inside_.find(number); found != inside_.end() && found->second.done < step)
    found->second.done = step;
}

void newcomers::left(std::uint64_t number) {
  std::function<void()> forgotten; // goes after the lock: it may own something
  std::lock_guard guard{mutex_};
  auto found = inside_.find(number);
  if (found == inside_.end())
    return;
  if (!found->second.leaving)
    --staying_;
  forgotten = std::move(found->second.leave);
  inside_.erase(found);
  size_.store(inside_.size(), std::memory_order_relaxed);
}

bool newcomers::make_room(instant now) {
  bool any = false;
  for (;;) {
    std::function<void()> leave;
    {
      std::lock_guard guard{mutex_};
      if (staying_ > at_most_)
        leave = take_least(now);
    }
    if (!leave)
      return any;
    leave();
    any = true;
  }
}

bool newcomers::ask_one_to_leave(instant now) {
  std::function<void()> leave;
  {
    std::lock_guard guard{mutex_};
    leave = take_least(now);
  }
  if (leave)
    leave();
  return leave != nullptr;
}

/// Those who have just come rank above those who had time to speak. What they have done counts
/// among newcomers too, because strangers that connect again and again are silent.
std::function<void()> newcomers::take_least(instant now) {
  constexpr int just_come = static_cast<int>(milestone::hello) + 1;
  one* least = nullptr;
  int least_rank = 0;
  for (auto& [number, each] : inside_) { // by number: the oldest first
    if (each.leaving)
      continue;
    bool young = now - each.entered < limits::newcomer_grace;
    int rank = static_cast<int>(each.done) + (young ? just_come : 0);
    if (least && rank >= least_rank)
      continue;
    least = &each;
    least_rank = rank;
  }
  if (!least)
    return {};
  least->leaving = true;
  --staying_;
  asked_.fetch_add(1, std::memory_order_relaxed);
  return std::move(least->leave);
}

} // namespace troupe
