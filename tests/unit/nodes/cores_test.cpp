#include "nodes/cores.hpp"

#include "tests/support/process.hpp"

#include <gtest/gtest.h>
#include <sched.h>

#include <string>

namespace troupe {

namespace fs = std::filesystem;

namespace {

class control_groups : public ::testing::Test {
protected:
  void write(const fs::path& file, const std::string& text) const {
    tests::write_file(root() / file, text);
  }
  const fs::path& root() const { return folder_.path(); }

private:
  tests::temporary_folder folder_;
};

} // namespace

TEST(cpu_max, is_a_quota_in_cores) {
  EXPECT_EQ(parse_cpu_max("150000 100000\n"), 1.5);
  EXPECT_EQ(parse_cpu_max("max 100000\n"), std::nullopt);
  for (auto broken : {"", "100000", "100000 0", "-1 100000", "many 100000"})
    EXPECT_EQ(parse_cpu_max(broken), std::nullopt) << broken;
}

TEST_F(control_groups, of_which_the_least_quota_on_the_way_up_counts) {
  write("pods/one/cpu.max", "400000 100000\n");
  write("pods/cpu.max", "200000 100000\n");
  write("cpu.max", "max 100000\n");
  EXPECT_EQ(cgroup_quota(root(), "0::/pods/one\n"), 2.0);
  EXPECT_EQ(cgroup_quota(root(), "0::/elsewhere\n"), std::nullopt);
}

TEST_F(control_groups, of_the_first_version_keep_quota_and_period_apart) {
  write("cpu,cpuacct/pod/cpu.cfs_quota_us", "50000\n");
  write("cpu,cpuacct/pod/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(cgroup_quota(root(), "7:memory:/pod\n3:cpu,cpuacct:/pod\n"), 0.5);
  write("cpu,cpuacct/pod/cpu.cfs_quota_us", "-1\n");
  EXPECT_EQ(cgroup_quota(root(), "3:cpu,cpuacct:/pod\n"), std::nullopt);
}

TEST_F(control_groups, that_cannot_be_understood_limit_nothing) {
  EXPECT_EQ(cgroup_quota(root(), ""), std::nullopt);
  EXPECT_EQ(cgroup_quota(root(), "no colons here\n"), std::nullopt);
}

TEST(available_cores, are_no_more_than_this_thread_may_use) {
  cpu_set_t before;
  ASSERT_EQ(::sched_getaffinity(0, sizeof before, &before), 0);
  EXPECT_GE(available_cores(), 1u);
  EXPECT_LE(available_cores(), static_cast<std::size_t>(CPU_COUNT(&before)));
  cpu_set_t one;
  CPU_ZERO(&one);
  for (int core = 0; core < CPU_SETSIZE && CPU_COUNT(&one) == 0; ++core)
    if (CPU_ISSET(core, &before))
      CPU_SET(core, &one);
  ASSERT_EQ(::sched_setaffinity(0, sizeof one, &one), 0);
  EXPECT_EQ(available_cores(), 1u);
  ::sched_setaffinity(0, sizeof before, &before);
}

} // namespace troupe
