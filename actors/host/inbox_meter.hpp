#pragma once

#include "actors/host/queued_bytes.hpp"
#include "config/limits/mailboxes.hpp"
#include "messages/envelope.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace troupe {

/// The bytes that a message is charged while it waits.
inline std::size_t charge_of(const envelope& message) {
  return limits::message_overhead_bytes + message.body.wire_size();
}

/// Counts what waits in one mailbox, bounds it, and closes the mailbox. CAF's mailboxes have no
/// bound, and they silently drop messages that come after their actor's end. So senders ask here
/// first (`enter`) and then enqueue; the receiver says what it has taken out (`leave`). `close`
/// tells the receiver how many messages are still to come from senders that were let in before. The
/// receiver waits for those, answers them and ends. A later sender is told, and finds another way.
///
/// Thread-safe, without locks: one atomic number holds the count, the bytes and whether it is
/// closed. A message larger than the bound in bytes gets in if nothing else waits. Several
/// concurrent senders may exceed a bound by one message each.
class inbox_meter {
public:
  enum class admission : std::uint8_t { in, full, closed };
  enum class ended : std::uint8_t { no, asked, failed };

  explicit inbox_meter(queued_bytes& of_node) : of_node_(of_node) {}
  /// Nobody can reach the mailbox any more: the messages it dropped no longer wait.
  ~inbox_meter() { of_node_.remove(state_.load(std::memory_order_relaxed) & bytes_mask); }
  inbox_meter(const inbox_meter&) = delete;
  inbox_meter& operator=(const inbox_meter&) = delete;

  /// A sender wants to enqueue that many bytes. `reserve`: up to the larger bound.
  admission enter(std::size_t messages, std::size_t bytes, bool reserve) noexcept {
    auto seen = state_.load(std::memory_order_relaxed);
    if (seen & closed_bit)
      return admission::closed;
    if (!fits(seen, messages, bytes, reserve))
      return admission::full;
    auto before = state_.fetch_add(weight(messages, bytes), std::memory_order_acq_rel);
    if (before & closed_bit) {
      state_.fetch_sub(weight(messages, bytes), std::memory_order_relaxed);
      return admission::closed;
    }
    of_node_.add(bytes);
    return admission::in;
  }

  /// The receiver has taken out that many bytes.
  void leave(std::size_t messages, std::size_t bytes) noexcept {
    state_.fetch_sub(weight(messages, bytes), std::memory_order_acq_rel);
    of_node_.remove(bytes);
  }

  /// From now on nobody is let in. Returns how many messages were let in and not yet taken out. The
  /// receiver calls it, once.
  std::size_t close(bool by_a_fault) noexcept {
    auto bits = by_a_fault ? closed_bit | fault_bit : closed_bit;
    return count_of(state_.fetch_or(bits, std::memory_order_acq_rel));
  }

  /// Closes it if nothing waits; false: something does.
  bool close_if_empty() noexcept {
    std::uint64_t empty = 0;
    return state_.compare_exchange_strong(empty, closed_bit, std::memory_order_acq_rel);
  }

  ended how_it_ended() const noexcept {
    auto seen = state_.load(std::memory_order_acquire);
    if (!(seen & closed_bit))
      return ended::no;
    return seen & fault_bit ? ended::failed : ended::asked;
  }

  std::size_t messages() const noexcept { return count_of(state_.load(std::memory_order_relaxed)); }
  std::size_t bytes() const noexcept { return state_.load(std::memory_order_relaxed) & bytes_mask; }

private:
  static constexpr unsigned bytes_bits = 40; ///< a tebibyte
  static constexpr unsigned count_bits = 22; ///< four millions
  static constexpr std::uint64_t bytes_mask = (std::uint64_t{1} << bytes_bits) - 1;
  static constexpr std::uint64_t count_mask = (std::uint64_t{1} << count_bits) - 1;
  static constexpr std::uint64_t fault_bit = std::uint64_t{1} << 62;
  static constexpr std::uint64_t closed_bit = std::uint64_t{1} << 63;
  static_assert(limits::mailbox_messages_max + limits::mailbox_reserve_messages < count_mask / 2);
  static_assert(limits::mailbox_bytes_max + limits::mailbox_reserve_bytes < bytes_mask / 2);

  static std::uint64_t weight(std::size_t messages, std::size_t bytes) noexcept {
    return static_cast<std::uint64_t>(messages) << bytes_bits | bytes;
  }
  static std::size_t count_of(std::uint64_t state) noexcept {
    return static_cast<std::size_t>(state >> bytes_bits & count_mask);
  }
  static bool fits(std::uint64_t state, std::size_t messages, std::size_t bytes,
                   bool reserve) noexcept {
    auto count_max =
        limits::mailbox_messages_max + (reserve ? limits::mailbox_reserve_messages : 0);
    auto bytes_max = limits::mailbox_bytes_max + (reserve ? limits::mailbox_reserve_bytes : 0);
    auto held = state & bytes_mask;
    auto alone = messages == 1 && held == 0;
    return count_of(state) + messages <= count_max && (alone || held + bytes <= bytes_max);
  }

  queued_bytes& of_node_;
  std::atomic<std::uint64_t> state_{0};
};

} // namespace troupe
