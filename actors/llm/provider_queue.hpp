#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace troupe {

/// The calls of one provider: at most so many at once, and those that wait.
///
/// The problem: whoever asks most must not make all others wait, nor fill the queue so that others
/// are turned away. So tenants take turns, and within a tenant groups of callers (roles) do; within
/// a group the order is that of arrival. When the queue is full, whoever has most waiting in it
/// gives a place to one who has less.
class provider_queue {
public:
  struct caller {
    std::string_view tenant;
    std::string_view group;
  };

  provider_queue(std::size_t at_once, std::size_t waiting_max)
      : at_once_(at_once), waiting_max_(waiting_max) {}

  /// False: it may neither begin nor wait, unless another is turned away for it.
  bool has_room() const noexcept { return running_ < at_once_ || waiting_ < waiting_max_; }
  /// A call to turn away so that one of `who` can wait: the last of those who have most waiting.
  /// Nothing if that is `who`. The call still waits; `forget` it.
  std::optional<std::uint64_t> most_patient(const caller& who) const;

  void wait(const caller& who, std::uint64_t call);
  /// A call that waited is given up. False: it does not wait.
  bool forget(const caller& who, std::uint64_t call);

  /// The call whose turn it is; nothing if none waits or all places are taken.
  std::optional<std::uint64_t> first() const;
  /// The same, which runs from now on.
  std::optional<std::uint64_t> next();
  /// A running call has ended.
  void ended();

  std::size_t running() const noexcept { return running_; }
  std::size_t waiting() const noexcept { return waiting_; }

  bool invariants() const;

private:
  /// The calls of one tenant that wait.
  struct line {
    std::map<std::string, std::deque<std::uint64_t>, std::less<>> groups; ///< none is empty
    std::string last; ///< the group that had its turn last
    std::size_t waiting = 0;
  };
  using lines = std::map<std::string, line, std::less<>>;

  std::uint64_t take_next(line& from);

  std::size_t at_once_;
  std::size_t waiting_max_;
  std::size_t running_ = 0;
  std::size_t waiting_ = 0;
  lines tenants_;    ///< only those who have calls waiting
  std::string last_; ///< the tenant who had a turn last
};

} // namespace troupe
