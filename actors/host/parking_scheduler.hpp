#pragma once

#include <caf/policy/work_stealing.hpp>
#include <caf/scheduler/coordinator.hpp>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>

namespace troupe {

/// CAF's work stealing with two changes. Figures: docs/decisions/0003-scheduler.md and 0007.
///
///  - An idle worker looks around a few times and then parks on a condition variable; enqueueing
///    wakes it. The stock policy polls and sleeps: a message to an idle node waited for the sleep
///    to end, and an idle node used 4 % of a core.
///  - Queues are first in, first out, with one exception: the job that a job enqueues last runs
///    next on its worker, because its data is still in the cache. At most `followers_max` such jobs
///    run in a row while another waits. The stock policy's queue is a stack: two actors that
///    answered each other were always on top of it, and all others on their worker never ran.
struct parking_policy : caf::policy::work_stealing {
  using base = caf::policy::work_stealing;

  static constexpr int looks_before_parking = 20;
  static constexpr unsigned followers_max = 3; ///< Tokio's number
  /// A lost wake-up would be a bug; this bounds what it could cost.
  static constexpr auto parked_at_most = std::chrono::milliseconds{100};

  struct coordinator_data : base::coordinator_data {
    using base::coordinator_data::coordinator_data;
    explicit coordinator_data(caf::scheduler::abstract_coordinator* p)
        : base::coordinator_data(p) {}
    std::mutex mutex;
    std::condition_variable wake;
    std::atomic<int> parked{0};
    std::atomic<std::uint64_t> ticket{0}; ///< counts what was enqueued from outside
  };

  struct worker_data : base::worker_data {
    explicit worker_data(caf::scheduler::abstract_coordinator* p) : base::worker_data(p) {}
    worker_data(const worker_data& other) : base::worker_data(other) {}

    /// The job that the last job enqueued last. Its worker puts it in. An idle worker may take it,
    /// because the running job may take a long time.
    std::atomic<caf::resumable*> next{nullptr};
    unsigned followers = 0; ///< in a row
  };

  template <class Coordinator>
  void central_enqueue(Coordinator* self, caf::resumable* job) {
    auto next = d(self).next_worker.fetch_add(1, std::memory_order_relaxed);
    self->worker_by_id(next % self->num_workers())->external_enqueue(job);
  }

  template <class Worker>
  void external_enqueue(Worker* self, caf::resumable* job) {
    d(self).queue.append(job);
    wake_one(d(self->parent()));
  }

  template <class Worker>
  void internal_enqueue(Worker* self, caf::resumable* job) {
    auto before = d(self).next.exchange(job, std::memory_order_acq_rel);
    if (!before)
      return;
    d(self).queue.append(before);
    wake_one(d(self->parent())); // work for parked workers
  }

  template <class Worker>
  caf::resumable* dequeue(Worker* self) {
    auto& shared = d(self->parent());
    for (int i = 0; i < looks_before_parking; ++i) {
      if (auto job = find(self))
        return job;
      std::this_thread::yield();
    }
    for (;;) {
      auto seen = shared.ticket.load();
      shared.parked.fetch_add(1);
      auto job = find(self);
      if (!job) {
        std::unique_lock guard{shared.mutex};
        shared.wake.wait_for(guard, parked_at_most, [&] { return shared.ticket.load() != seen; });
      }
      shared.parked.fetch_sub(1);
      if (job || (job = find(self)))
        return job;
    }
  }

  template <class Worker, class Visit>
  void foreach_resumable(Worker* self, Visit visit) {
    if (auto job = take_next(d(self)))
      visit(job);
    base::foreach_resumable(self, visit);
  }

private:
  template <class Worker>
  caf::resumable* find(Worker* self) {
    auto& own = d(self);
    if (own.followers < followers_max)
      if (auto job = take_next(own)) {
        ++own.followers;
        return job;
      }
    own.followers = 0;
    if (auto job = own.queue.take_head())
      return job;
    if (auto job = take_next(own))
      return job;
    return steal(self);
  }

  template <class Worker>
  caf::resumable* steal(Worker* self) {
    auto parent = self->parent();
    for (std::size_t i = 0; i < parent->num_workers(); ++i) {
      if (i == self->id())
        continue;
      auto& victim = d(parent->worker_by_id(i));
      if (auto job = victim.queue.take_tail())
        return job;
      if (auto job = take_next(victim))
        return job;
    }
    return nullptr;
  }

  static caf::resumable* take_next(worker_data& of) {
    if (!of.next.load(std::memory_order_relaxed))
      return nullptr; // reading costs less than exchanging
    return of.next.exchange(nullptr, std::memory_order_acq_rel);
  }

  static void wake_one(coordinator_data& shared) {
    shared.ticket.fetch_add(1);
    if (shared.parked.load() > 0) {
      std::lock_guard guard{shared.mutex};
      shared.wake.notify_one();
    }
  }
};

/// Load it with `cfg.load<parking_scheduler>()`.
class parking_scheduler : public caf::scheduler::coordinator<parking_policy> {
public:
  using super = caf::scheduler::coordinator<parking_policy>;
  using super::super;
  static caf::actor_system::module* make(caf::actor_system& system, caf::detail::type_list<>) {
    return new parking_scheduler(system);
  }
};

} // namespace troupe
