#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <vector>

namespace troupe::bench {

/// Reads the arguments of a benchmark that only compares. `--pinned`: every `compare` is made on
/// fixed cores, first on one and then on two, in 15 rounds.
void read_arguments(int argc, char** argv);

/// Runs ours and the yardstick in turns, `rounds` times each, so that the machine's state affects
/// both; who begins changes with each round. Prints one JSON line with the medians, and the median
/// and the quartiles of the rounds' ratios of ours to the yardstick.
///
/// Both must make their threads themselves: threads keep to the cores on which they were made.
void compare(const std::string& what, const std::string& unit, int rounds,
             const std::function<double()>& ours, const std::string& yardstick_name,
             const std::function<double()>& yardstick);

/// A figure without a yardstick.
void report(const std::string& what, const std::string& unit, double value,
            const std::string& note = {});

double median(std::vector<double> values);
/// The value below which that share of the others is.
double quantile(std::vector<double> values, double share);

inline double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

} // namespace troupe::bench
