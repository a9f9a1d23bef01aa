#include "actors/cluster/newcomers.hpp"

#include "config/limits/links.hpp"

#include <utility>

namespace troupe {

void newcomers::enter(std::uint64_t number, instant now, std::function<void()> leave) {
  coming_.fetch_sub(1, std::memory_order_relaxed);
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

bool newcomers::crowded() const {
  return size() >= limits::unproven_leaving_factor * at_most_
         || coming_.load(std::memory_order_relaxed) >= at_most_ / limits::unproven_coming_part;
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

/// Those who have just come rank above those who had time to say who they are. Among newcomers only
/// a whole Hello counts: anybody may send a few bytes and connect again whenever he was asked to
/// leave, so those bytes must not put a client out that was accepted a moment ago and whose Hello
/// has not been read yet.
std::function<void()> newcomers::take_least(instant now) {
  auto rank_of = [now](const one& each) {
    constexpr int just_come = static_cast<int>(milestone::hello) + 1;
    if (now - each.entered >= limits::newcomer_grace)
      return static_cast<int>(each.done);
    return just_come + (each.done == milestone::hello ? 1 : 0);
  };
  one* least = nullptr;
  int least_rank = 0;
  for (auto& [number, each] : inside_) { // by number: the oldest first
    if (each.leaving)
      continue;
    int rank = rank_of(each);
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
