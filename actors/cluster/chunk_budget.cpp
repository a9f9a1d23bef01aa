#include "actors/cluster/chunk_budget.hpp"

#include "actors/cluster/heap_trim.hpp"

#include <algorithm>
#include <vector>

namespace troupe {

chunk_budget::share::share(chunk_budget& of, std::function<void()> give_way) : of_(of) {
  std::lock_guard guard{of_.mutex_};
  mine_ = of_.links_.emplace(of_.links_.end(), std::move(give_way));
}

chunk_budget::share::~share() {
  std::size_t freed = 0;
  {
    std::lock_guard guard{of_.mutex_};
    freed = mine_->bytes;
    if (!mine_->gives_way)
      of_.held_ -= freed;
    of_.links_.erase(mine_);
  }
  trim_heap_after(freed);
}

bool chunk_budget::share::take(std::size_t bytes) {
  std::vector<std::function<void()>> told;
  {
    std::lock_guard guard{of_.mutex_};
    if (mine_->gives_way)
      return false;
    mine_->bytes += bytes;
    of_.held_ += bytes;
    while (of_.held_ > of_.bytes_max_) {
      auto most = std::max_element(
          of_.links_.begin(), of_.links_.end(), [](const holding& a, const holding& b) {
            return (a.gives_way ? 0 : a.bytes) < (b.gives_way ? 0 : b.bytes);
          });
      most->gives_way = true;
      of_.held_ -= most->bytes;
      if (most == mine_)
        return false;
      told.push_back(most->give_way);
    }
  }
  for (auto& tell : told)
    tell();
  return true;
}

void chunk_budget::share::give(std::size_t bytes) {
  std::lock_guard guard{of_.mutex_};
  mine_->bytes -= bytes;
  if (!mine_->gives_way)
    of_.held_ -= bytes;
}

std::unique_ptr<chunk_budget::share> chunk_budget::open(std::function<void()> give_way) {
  return std::unique_ptr<share>{new share{*this, std::move(give_way)}};
}

std::size_t chunk_budget::held() const {
  std::lock_guard guard{mutex_};
  return held_;
}

} // namespace troupe
