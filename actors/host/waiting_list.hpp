#pragma once

#include "config/base/kept_blocks.hpp"
#include "config/limits/mailboxes.hpp"
#include "messages/envelope.hpp"

#include <atomic>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

namespace troupe {

/// A message for one actor, and the bytes charged to the actor's mailbox for it.
struct waiting_message {
  waiting_message() = default;
  waiting_message(envelope&& taken, std::size_t charged, waiting_message* older) noexcept
      : message(std::move(taken)), bytes(charged), next(older) {}

  envelope message;
  std::size_t bytes = 0;
  waiting_message* next = nullptr;

  static void* operator new(std::size_t) { return blocks::take(); }
  static void operator delete(void* block) noexcept { blocks::give_back(block); }

private:
  using blocks = kept_blocks<waiting_message, limits::blocks_kept_max>;
};

/// Messages on their way into a `waiting_list`, which takes them all at once. Move-only.
class gathered_messages {
public:
  gathered_messages() = default;
  gathered_messages(gathered_messages&& other) noexcept
      : newest_(std::exchange(other.newest_, nullptr)),
        oldest_(std::exchange(other.oldest_, nullptr)) {}
  gathered_messages& operator=(gathered_messages&& other) noexcept {
    std::swap(newest_, other.newest_);
    std::swap(oldest_, other.oldest_);
    return *this;
  }
  ~gathered_messages() {
    while (newest_)
      delete std::exchange(newest_, newest_->next);
  }

  void add(envelope&& message, std::size_t bytes) {
    newest_ = new waiting_message{std::move(message), bytes, newest_};
    if (!oldest_)
      oldest_ = newest_;
  }
  bool empty() const noexcept { return newest_ == nullptr; }

  /// Calls `each` with every message, the newest first.
  template <class Each>
  void for_each(Each each) {
    for (auto one = newest_; one; one = one->next)
      each(*one);
  }

private:
  friend class waiting_list;
  waiting_message* newest_ = nullptr; ///< the first of a list that ends with the oldest
  waiting_message* oldest_ = nullptr;
};

/// The messages that wait for one actor, in the order in which they came. CAF's mailbox costs an
/// allocation, a dispatch by type and a run of the scheduler for each message. Here a sender pays
/// one exchange of a pointer. CAF is needed only to wake the receiver: the first sender after the
/// receiver has gone to sleep rings (`put` says so), and the receiver takes all that has come by
/// then. At most one ring is on its way at any time.
///
/// Many threads put, one actor takes. Without locks. It is not bounded: the senders have asked the
/// `inbox_meter` before.
///
/// One atomic pointer, `newest_`, holds it all: it is one of three marks (see below), or the last
/// message that came, from which a chain leads to the first. What orders the threads:
///
///  - A message is written before its `put` publishes it (release) and read after the receiver has
///    taken the chain (acquire). Every change of `newest_` is a read-modify-write, so one acquire
///    sees all puts whose messages it takes, not only the last: the later puts continue the release
///    sequence of the earlier ones.
///  - An actor wanders between threads. It goes to sleep by a release. The put that finds it asleep
///    continues that release sequence, and the actor that is woken for it takes the chain by an
///    acquire. So what the actor did before it slept happens before what it does after it woke.
///  - No ring is lost. The receiver sleeps by an exchange that fails if a message is there, so each
///    put comes before it in the order of changes, and the receiver looks again, or after it, and
///    finds it asleep. A put before that found the receiver awake or behind a put that has rung.
///  - A receiver that sleeps and then blocks its mailbox looks whether it still sleeps; a sender
///    that has put looks whether that mailbox is blocked. One of them sees what the other did,
///    because all four are sequentially consistent.
///  - A put fails only by the mark of a closed list, which is never taken away. What the sender
///    does then needs nothing that the receiver wrote, so that read is relaxed.
class waiting_list {
public:
  enum class put_result : std::uint8_t {
    queued, ///< the receiver will look
    ring,   ///< the receiver sleeps and must be told to look
    closed, ///< nothing was taken: the receiver has looked for the last time
  };

  waiting_list() = default;
  waiting_list(const waiting_list&) = delete;
  waiting_list& operator=(const waiting_list&) = delete;
  ~waiting_list() {
    close();
    while (next()) {
    }
  }

  /// Takes the messages, at least one, if it does not answer `closed`. From any thread. Messages of
  /// one sender are not overtaken by its later ones.
  put_result put(gathered_messages& messages) noexcept {
    assert(!messages.empty());
    auto before = newest_.load(std::memory_order_relaxed);
    do {
      if (before == &closed_mark) {
        messages.oldest_->next = nullptr; // it may lead into the list, from a try before
        return put_result::closed;
      }
      messages.oldest_->next = before == &asleep_mark ? nullptr : before;
    } while (!newest_.compare_exchange_weak(before, messages.newest_, std::memory_order_seq_cst,
                                            std::memory_order_relaxed));
    messages.newest_ = messages.oldest_ = nullptr;
    return before == &asleep_mark ? put_result::ring : put_result::queued;
  }

  // -- for the receiver -------------------------------------------------------------------------

  /// The oldest message; null: none waits. A receiver that has called it is awake: nobody rings
  /// until it sleeps.
  std::unique_ptr<waiting_message> next() noexcept {
    if (!taken_ && !closed_)
      take(nullptr);
    if (!taken_)
      return nullptr;
    return std::unique_ptr<waiting_message>{std::exchange(taken_, taken_->next)};
  }

  /// From now on the next `put` rings. False: something waits, and the receiver must look again.
  bool sleep() noexcept {
    if (taken_)
      return false;
    waiting_message* none = nullptr;
    return closed_
           || newest_.compare_exchange_strong(none, &asleep_mark, std::memory_order_seq_cst,
                                              std::memory_order_relaxed)
           || none == &asleep_mark;
  }

  /// Nothing waits, and the next `put` rings. Also for a receiver that has let go of everything
  /// else: another thread may be the receiver by now.
  bool sleeps() const noexcept { return newest_.load(std::memory_order_seq_cst) == &asleep_mark; }

  /// From now on `put` answers `closed`; `next` gives what has come before.
  void close() noexcept {
    if (!std::exchange(closed_, true))
      take(&closed_mark);
  }

private:
  // What stands in `newest_` if it is no message. Null is the third mark: nothing waits, and the
  // receiver is awake.
  inline static waiting_message asleep_mark; ///< nothing waits, and nobody has rung
  inline static waiting_message closed_mark;

  /// Puts `mark` where the messages were, and appends them to `taken_`, the oldest first.
  void take(waiting_message* mark) noexcept {
    auto newest = newest_.exchange(mark, std::memory_order_acq_rel);
    if (newest == &asleep_mark)
      return;
    waiting_message* oldest = nullptr;
    while (newest) {
      auto older = std::exchange(newest->next, oldest);
      oldest = std::exchange(newest, older);
    }
    auto end = &taken_;
    while (*end)
      end = &(*end)->next;
    *end = oldest;
  }

  std::atomic<waiting_message*> newest_{&asleep_mark};
  waiting_message* taken_ = nullptr; ///< the receiver's, the oldest first
  bool closed_ = false;              ///< the receiver's
};

} // namespace troupe
