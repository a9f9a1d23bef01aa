#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <mutex>

namespace troupe {

/// Bounds the bytes of unfinished payloads across many links. Each link alone may hold as much as
/// its peer's outbox can send; eight links must not hold eight times that.
///
/// When the sum would exceed the bound, the link that holds most has more than its share and gives
/// way: it is closed, and its bytes are freed at once. So a peer that sends one payload after
/// another is served, regardless of how many others leave theirs unfinished. Between the choice and
/// the close, the sum may exceed the bound by what others send meanwhile.
///
/// Thread-safe; `give_way` is called outside the lock.
class chunk_budget {
public:
  explicit chunk_budget(std::size_t bytes_max) : bytes_max_(bytes_max) {}

  /// What one link holds. All of it is given back when this is destroyed. Used by one thread at a
  /// time.
  class share {
  public:
    ~share();
    share(const share&) = delete;
    share& operator=(const share&) = delete;

    /// False: this link held most; it must be closed.
    [[nodiscard]] bool take(std::size_t bytes);
    void give(std::size_t bytes);
    /// Another link needed room, and this one held most: it must be closed.
    bool must_give_way() const { return mine_->gives_way.load(std::memory_order_relaxed); }

  private:
    friend class chunk_budget;
    struct holding {
      explicit holding(std::function<void()> tell) : give_way(std::move(tell)) {}
      std::size_t bytes = 0;
      std::atomic<bool> gives_way{false}; ///< written under the lock
      const std::function<void()> give_way;
    };
    explicit share(chunk_budget& of, std::function<void()> give_way);

    chunk_budget& of_;
    std::list<holding>::iterator mine_;
  };

  /// `give_way` tells the link to look at `must_give_way`. This budget must outlive the share.
  std::unique_ptr<share> open(std::function<void()> give_way);

  std::size_t held() const;

private:
  const std::size_t bytes_max_;
  mutable std::mutex mutex_;
  std::list<share::holding> links_;
  std::size_t held_ = 0; ///< by links that need not give way
};

} // namespace troupe
