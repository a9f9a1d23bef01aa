#include "tests/support/process.hpp"

#include "tests/support/cluster.hpp"

#include <csignal>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

/// The basis of the other tests: processes, their ends, and that no process escapes.
namespace troupe::tests {

namespace {

process shell(const std::string& script) {
  return process{{.program = "/bin/sh", .arguments = {"-c", script}}};
}

TEST(process, tells_its_lines_its_errors_and_its_end) {
  auto started = shell("echo one; echo two; echo wrong >&2; exit 7");
  EXPECT_EQ(started.read_line(10s), "one");
  EXPECT_EQ(started.read_line(10s), "two");
  EXPECT_EQ(started.read_line(10s), std::nullopt) << "no more can come";
  EXPECT_EQ(started.wait(10s)->code, 7);
  EXPECT_TRUE(started.wait_for_closed_output(10s));
  EXPECT_EQ(started.errors(), "wrong\n");
}

TEST(process, that_goes_on_is_not_said_to_have_ended) {
  auto started = shell("read line < /proc/self/fd/1");
  EXPECT_FALSE(started.wait(1ms));
  EXPECT_TRUE(is_running(started.pid()));
  started.send_signal(SIGTERM);
  EXPECT_EQ(started.wait(10s)->signal, SIGTERM);
}

TEST(process, that_does_not_exist_cannot_be_started) {
  EXPECT_THROW(process({.program = "/nowhere/program"}), std::runtime_error);
}

TEST(process, takes_what_it_started_with_it) {
  adopt_orphans();
  pid_t inner = 0;
  {
    auto started = shell("tail -f /dev/null & echo $!; wait");
    inner = std::stoi(started.read_line(10s).value());
    EXPECT_TRUE(is_running(inner));
  }
  EXPECT_TRUE(wait_for_end(inner, 10s));
  EXPECT_THAT(end_leftovers(), ::testing::IsEmpty());
}

TEST(process, that_leaves_its_group_is_found_as_a_leftover) {
  adopt_orphans();
  pid_t away = 0;
  {
    // It prints its process id once it is in its own session; before, it would still end with the
    // group. `tail -f` would not do, because it ends when nobody reads its output any more.
    auto started = shell("setsid sh -c 'echo $$; exec sleep 1000' & exit 0");
    away = std::stoi(started.read_line(10s).value());
    EXPECT_EQ(started.wait(10s)->code, 0);
  }
  auto left = end_leftovers();
  ASSERT_EQ(left.size(), 1u);
  EXPECT_THAT(left[0], ::testing::StartsWith(std::to_string(away)));
  EXPECT_FALSE(is_running(away));
}

TEST(process, figures_are_read_from_the_kernel) {
  auto busy = shell("while :; do :; done");
  auto begin = clock::now();
  while (processor_time(busy.pid()) < 100ms && clock::now() - begin < 60s)
    is_running(busy.pid());
  EXPECT_GE(processor_time(busy.pid()), 100ms);
  EXPECT_GT(resident_bytes(busy.pid()), 100'000u);
  EXPECT_GE(open_descriptors(busy.pid()), 3u);
}

TEST(temporary_folder, is_removed_with_all_in_it) {
  std::filesystem::path path;
  {
    temporary_folder folder;
    path = folder.path();
    write_file(path / "a" / "b", "text");
    EXPECT_EQ(read_file(path / "a" / "b"), "text");
  }
  EXPECT_FALSE(std::filesystem::exists(path));
}

} // namespace

} // namespace troupe::tests
