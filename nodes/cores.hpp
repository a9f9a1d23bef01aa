#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string_view>

namespace troupe {

/// How many cores this process may use: those that `sched_getaffinity` allows, at most the control
/// group's quota (rounded up), at least one.
std::size_t available_cores();

/// The quota of `cpu.max` (control groups v2), such as "150000 100000", in cores; nothing for
/// "max".
std::optional<double> parse_cpu_max(std::string_view text);

/// The smallest quota between the process's control group and the root.
std::optional<double> cgroup_quota(const std::filesystem::path& root, std::string_view own_groups);

} // namespace troupe
