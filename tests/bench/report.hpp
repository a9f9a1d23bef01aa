#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <vector>

namespace troupe::bench {

/// Runs ours and the yardstick in turns, `rounds` times each, so that the machine's state affects
/// both. Prints one JSON line with the medians and the ratio of ours to the yardstick.
void compare(const std::string& what, const std::string& unit, int rounds,
             const std::function<double()>& ours, const std::string& yardstick_name,
             const std::function<double()>& yardstick);

/// A figure without a yardstick.
void report(const std::string& what, const std::string& unit, double value,
            const std::string& note = {});

double median(std::vector<double> values);

inline double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

} // namespace troupe::bench
