#include "actors/reading/work_pool.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <future>

namespace troupe {
namespace {

TEST(work_pool, does_jobs_on_threads_of_its_own_at_the_same_time) {
  work_pool pool{2};
  // Each job waits for the other, so one thread alone would never finish.
  std::promise<std::thread::id> first, second;
  auto first_id = first.get_future().share(), second_id = second.get_future().share();
  std::promise<void> done;
  pool.run([&] {
    first.set_value(std::this_thread::get_id());
    second_id.wait();
    done.set_value();
  });
  pool.run([&] {
    second.set_value(std::this_thread::get_id());
    first_id.wait();
  });
  done.get_future().wait();
  EXPECT_NE(first_id.get(), second_id.get());
  EXPECT_NE(first_id.get(), std::this_thread::get_id());
}

TEST(work_pool, waits_for_the_job_that_runs_and_forgets_those_that_wait) {
  std::atomic<int> done{0};
  std::promise<void> begun, go_on;
  auto held = std::make_shared<int>(1);
  {
    auto pool = std::make_unique<work_pool>(1);
    pool->run([&] {
      begun.set_value();
      go_on.get_future().wait();
      ++done;
    });
    pool->run([&, held] { ++done; });
    begun.get_future().wait();
    std::thread ending{[&] { pool.reset(); }};
    while (held.use_count() > 1) // waiting jobs are dropped before it waits for running ones
      std::this_thread::yield();
    go_on.set_value();
    ending.join();
  }
  EXPECT_EQ(done, 1);
}

} // namespace
} // namespace troupe
