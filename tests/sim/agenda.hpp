#pragma once

#include "messages/ids.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

namespace troupe::sim {

/// Simulated time, and what is still to happen: by time, then in the order in which it was planned.
/// Time passes only from one happening to the next.
class agenda {
public:
  instant now() const noexcept { return now_; }

  template <class What>
  void later(std::chrono::nanoseconds after, What what) {
    coming_.push_back({now_ + std::max(after, std::chrono::nanoseconds{0}), ++planned_,
                       std::make_unique<job_of<What>>(std::move(what))});
    std::push_heap(coming_.begin(), coming_.end(), is_later);
  }

  /// Lets the next thing happen. False: nothing happens until `end`; then it is `end`.
  bool turn(instant end) {
    if (coming_.empty() || coming_.front().due > end) {
      now_ = std::max(now_, end);
      return false;
    }
    std::pop_heap(coming_.begin(), coming_.end(), is_later);
    auto next = std::move(coming_.back());
    coming_.pop_back();
    now_ = std::max(now_, next.due);
    next.what->happen();
    return true;
  }

private:
  struct job {
    virtual ~job() = default;
    virtual void happen() = 0;
  };
  template <class What>
  struct job_of final : job {
    explicit job_of(What given) : what(std::move(given)) {}
    void happen() override { what(); }
    What what;
  };
  struct happening {
    instant due;
    std::uint64_t order;
    std::unique_ptr<job> what;
  };
  static bool is_later(const happening& a, const happening& b) {
    return a.due != b.due ? a.due > b.due : a.order > b.order;
  }

  instant now_{std::chrono::seconds{1'000'000}};
  std::vector<happening> coming_; ///< a heap
  std::uint64_t planned_ = 0;
};

} // namespace troupe::sim
