#include "tests/unit/host/stage.hpp"

#include <caf/event_based_actor.hpp>
#include <caf/exit_reason.hpp>
#include <caf/resumable.hpp>
#include <caf/scheduler/abstract_coordinator.hpp>

namespace troupe::test {

namespace {

/// A job that calls a given function each time it runs.
struct fake_job : caf::resumable {
  std::function<void()> run;

  subtype_t subtype() const override { return unspecified; }
  resume_result resume(caf::execution_unit*, size_t) override { return done; }
  void intrusive_ptr_add_ref_impl() override {}
  void intrusive_ptr_release_impl() override {}
};

/// CAF's scheduler as the policy sees it, driven by hand. It counts jobs and measures no time.
class hand_driven {
public:
  struct worker {
    parking_policy::worker_data state;
    hand_driven* all;
    std::size_t number;

    parking_policy::worker_data& data() { return state; }
    hand_driven* parent() { return all; }
    std::size_t id() const { return number; }
    void external_enqueue(caf::resumable* job) { all->policy_.external_enqueue(this, job); }
  };

  hand_driven(caf::scheduler::abstract_coordinator& real, std::size_t workers) : state_(&real) {
    for (std::size_t i = 0; i < workers; ++i)
      workers_.push_back(
          std::make_unique<worker>(worker{parking_policy::worker_data{&real}, this, i}));
  }

  parking_policy::coordinator_data& data() { return state_; }
  std::size_t num_workers() const { return workers_.size(); }
  worker* worker_by_id(std::size_t i) { return workers_[i].get(); }

  /// A job that enqueues `follower` each time it runs, from its own worker.
  fake_job& add_job(std::function<fake_job*()> follower) {
    auto& made = *jobs_.emplace_back(std::make_unique<fake_job>());
    made.run = [this, follower = std::move(follower)] {
      if (auto next = follower())
        policy_.internal_enqueue(running_, next);
    };
    return made;
  }

  /// Actors that pass one message around. The first is ready on that worker.
  void add_ring(std::size_t on, std::size_t members) {
    auto ring = std::make_shared<std::vector<fake_job*>>();
    for (std::size_t i = 0; i < members; ++i)
      ring->push_back(&add_job([ring, i, members] { return (*ring)[(i + 1) % members]; }));
    enqueue(on, *ring->front());
  }

  /// An actor that sends to itself. It yields its worker only because of `max-throughput`.
  void add_self_sender(std::size_t on) {
    auto& made = *jobs_.emplace_back(std::make_unique<fake_job>());
    made.run = [this, &made] { policy_.resume_job_later(running_, &made); };
    enqueue(on, made);
  }

  void enqueue(std::size_t on, fake_job& job) { workers_[on]->external_enqueue(&job); }

  /// Every worker runs one job.
  void turn() {
    for (auto& one : workers_) {
      running_ = one.get();
      static_cast<fake_job*>(policy_.dequeue(running_))->run();
    }
  }

private:
  parking_policy policy_;
  parking_policy::coordinator_data state_;
  std::vector<std::unique_ptr<worker>> workers_;
  std::vector<std::unique_ptr<fake_job>> jobs_;
  worker* running_ = nullptr;
};

class scheduler : public stage {
protected:
  /// How many jobs each worker runs before a bystander that becomes ready on `on` is served.
  /// Returns the largest number of a hundred tries.
  static std::size_t longest_wait(hand_driven& all, std::size_t on) {
    bool served = false;
    auto& bystander = all.add_job([&served]() -> fake_job* {
      served = true;
      return nullptr;
    });
    std::size_t longest = 0;
    for (int i = 0; i < 100; ++i) {
      for (int warm = 0; warm < 5; ++warm)
        all.turn();
      served = false;
      all.enqueue(on, bystander);
      std::size_t waited = 0;
      while (!served && waited < 10'000) {
        all.turn();
        ++waited;
      }
      longest = std::max(longest, waited);
    }
    return longest;
  }
};

} // namespace

TEST_F(scheduler, serves_a_bystander_while_pairs_answer_each_other) {
  for (std::size_t workers : {1, 2})
    for (std::size_t pairs : {1, 2, 3, 4}) {
      hand_driven all{system_.scheduler(), workers};
      for (std::size_t i = 0; i < pairs * workers; ++i)
        all.add_ring(i % workers, 2);
      // Each pair ahead in the queue runs one job from there and its followers.
      auto bound = (pairs * workers + 1) * (1 + parking_policy::followers_max);
      EXPECT_LE(longest_wait(all, 0), bound) << pairs << " pairs on each of " << workers;
    }
}

TEST_F(scheduler, serves_a_bystander_beside_a_ring_and_one_that_sends_to_itself) {
  hand_driven all{system_.scheduler(), 1};
  all.add_ring(0, 3);
  all.add_self_sender(0);
  EXPECT_LE(longest_wait(all, 0), 3u * (1 + parking_policy::followers_max));
}

TEST_F(scheduler, runs_what_a_job_enqueued_next) {
  hand_driven all{system_.scheduler(), 1};
  std::vector<std::string> order;
  auto& follower = all.add_job([&]() -> fake_job* {
    order.push_back("follower");
    return nullptr;
  });
  auto& first = all.add_job([&] {
    order.push_back("first");
    return &follower;
  });
  auto& second = all.add_job([&]() -> fake_job* {
    order.push_back("second");
    return nullptr;
  });
  all.enqueue(0, first);
  all.enqueue(0, second);
  for (int i = 0; i < 3; ++i)
    all.turn();
  EXPECT_THAT(order, testing::ElementsAre("first", "follower", "second"));
}

TEST_F(scheduler, lets_an_idle_worker_take_what_a_busy_one_would_run_next) {
  hand_driven all{system_.scheduler(), 2};
  bool served = false;
  auto& bystander = all.add_job([&]() -> fake_job* {
    served = true;
    return nullptr;
  });
  parking_policy policy;
  policy.internal_enqueue(all.worker_by_id(0), &bystander); // its worker is busy from now on
  EXPECT_EQ(policy.dequeue(all.worker_by_id(1)), &bystander);
}

TEST_F(scheduler, serves_real_actors_beside_pairs_on_every_worker) {
  auto pong = [](caf::event_based_actor*) -> caf::behavior { return {[](int x) { return x; }}; };
  auto ping = [](caf::event_based_actor* me, const caf::actor& to) -> caf::behavior {
    me->send(to, 1);
    return {[=](int x) { me->send(to, x); }};
  };
  std::vector<caf::actor> players;
  for (int i = 0; i < 4; ++i) {
    players.push_back(system_.spawn(pong));
    players.push_back(system_.spawn(ping, players.back()));
  }
  handed_over<int> served;
  auto bystander = system_.spawn(
      [&](caf::event_based_actor*) -> caf::behavior { return {[&](int x) { served.put(x); }}; });
  for (int i = 0; i < 100; ++i) {
    caf::anon_send(bystander, i);
    ASSERT_EQ(served.take(), i);
  }
  players.push_back(bystander);
  for (auto& one : players)
    caf::anon_send_exit(one, caf::exit_reason::kill);
}

} // namespace troupe::test
