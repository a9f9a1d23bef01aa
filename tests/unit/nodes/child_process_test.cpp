#include "nodes/child_process.hpp"

#include "tests/support/process.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>

#include <array>
#include <cstdlib>
#include <map>
#include <string>

namespace troupe {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(child_process, inherits_what_a_node_needs_and_no_secret_but_those_it_is_to_have) {
  troupe::tests::temporary_folder folder; // before its variable changes
  constexpr std::array secrets{"UNIT_MARKER_KEY",   "DATABASE_URL",      "PGPASSWORD",
                               "UNIT_PASS",         "unit_marker_token", "UNIT_DSN",
                               "TROUPE_UNIT_MARKER"};
  constexpr std::array needed{
      "LC_UNIT", "SSL_CERT_DIR", "OTEL_UNIT",     "XDG_UNIT_HOME", "no_proxy",           "TZ",
      "TMPDIR",  "TSAN_OPTIONS", "UNIT_KEPT_KEY", "FAKETIME_UNIT", "DONT_FAKE_MONOTONIC"};
  for (auto name : secrets)
    ::setenv(name, "unit-marker", 1);
  std::map<std::string, std::string> before;
  for (auto name : needed) {
    if (auto value = std::getenv(name))
      before[name] = value;
    ::setenv(name, "unit-needed", 1);
  }
  child_command command{"/usr/bin/env", {}, folder.path() / "output.log", {"UNIT_KEPT_KEY"}};
  auto child = spawn(command);
  ASSERT_TRUE(child) << child.error().message;
  pollfd ended{child->pidfd.get(), POLLIN, 0};
  ASSERT_EQ(::poll(&ended, 1, 10'000), 1);
  auto told = troupe::tests::read_file(command.output);
  EXPECT_THAT(told, Not(HasSubstr("unit-marker")));
  for (auto name : needed)
    EXPECT_THAT(told, HasSubstr(std::string{name} + "=unit-needed\n"));
  for (auto name : secrets)
    ::unsetenv(name);
  for (auto name : needed)
    if (auto known = before.find(name); known != before.end())
      ::setenv(name, known->second.c_str(), 1);
    else
      ::unsetenv(name);
}

} // namespace
} // namespace troupe
