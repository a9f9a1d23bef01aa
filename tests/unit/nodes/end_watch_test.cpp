#include "nodes/end_watch.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <future>

namespace troupe {

namespace {

using namespace std::chrono_literals;

void hang() {
  end_watch watch{1ms, [] { std::_Exit(70); }};
  std::promise<void> never;
  never.get_future().wait(); // a step that does not return
}

} // namespace

TEST(end_watch, ends_a_process_that_does_not_end) {
  EXPECT_EXIT(hang(), testing::ExitedWithCode(70), "");
}

TEST(end_watch, does_nothing_when_all_ends_in_time) {
  bool ended = false;
  {
    end_watch watch{1h, [&] { ended = true; }};
  }
  EXPECT_FALSE(ended);
}

} // namespace troupe
