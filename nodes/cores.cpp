#include "nodes/cores.hpp"

#include <sched.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>

namespace troupe {

namespace {

std::string read_text(const std::filesystem::path& file) {
  std::ifstream in{file};
  return {std::istreambuf_iterator<char>{in}, {}};
}

std::optional<double> read_number(const std::filesystem::path& file) {
  std::istringstream in{read_text(file)};
  double number = 0;
  if (in >> number && number > 0)
    return number;
  return std::nullopt;
}

/// Control groups v1 keep quota and period in two files.
std::optional<double> quota_of(const std::filesystem::path& folder) {
  if (auto v2 = parse_cpu_max(read_text(folder / "cpu.max")))
    return v2;
  auto quota = read_number(folder / "cpu.cfs_quota_us");
  auto period = read_number(folder / "cpu.cfs_period_us");
  if (quota && period)
    return *quota / *period;
  return std::nullopt;
}

} // namespace

std::optional<double> parse_cpu_max(std::string_view text) {
  std::istringstream in{std::string{text}};
  double quota = 0;
  double period = 0;
  if (in >> quota >> period && quota > 0 && period > 0)
    return quota / period;
  return std::nullopt;
}

std::optional<double> cgroup_quota(const std::filesystem::path& root, std::string_view own_groups) {
  std::optional<double> least;
  auto look_at = [&](const std::filesystem::path& folder) {
    if (auto quota = quota_of(folder); quota && (!least || *quota < *least))
      least = quota;
  };
  // Lines are ID:CONTROLLERS:PATH; v2 has no controllers.
  std::istringstream lines{std::string{own_groups}};
  for (std::string line; std::getline(lines, line);) {
    auto first = line.find(':');
    auto second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos)
      continue;
    auto controllers = line.substr(first + 1, second - first - 1);
    auto base = controllers.empty() ? root : root / controllers;
    std::filesystem::path group{line.substr(second + 1)};
    for (auto at = group.relative_path(); !at.empty(); at = at.parent_path())
      look_at(base / at);
    look_at(base);
  }
  return least;
}

std::size_t available_cores() {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  std::size_t cores = 1;
  if (::sched_getaffinity(0, sizeof allowed, &allowed) == 0)
    cores = static_cast<std::size_t>(std::max(1, CPU_COUNT(&allowed)));
  if (auto quota = cgroup_quota("/sys/fs/cgroup", read_text("/proc/self/cgroup")))
    cores = std::min(cores, static_cast<std::size_t>(std::max(1.0, std::ceil(*quota))));
  return cores;
}

} // namespace troupe
