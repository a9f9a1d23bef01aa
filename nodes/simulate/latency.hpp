#pragma once

#include "config/base/result.hpp"

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

namespace troupe {

/// How long something takes, as a distribution:
///
///     200ms                       always that
///     median=300ms p99=4s         log-normal through these two
///     p50=300ms p90=900ms p99=4s  these percentiles, straight lines between them
///
/// Percentiles are flat below the first and above the last that is given; `p0` and `p100` may be
/// among them.
class latency {
public:
  latency() = default; ///< none
  explicit latency(std::chrono::nanoseconds always) : points_{{0, seconds(always)}} {}

  /// The error says what was expected.
  static outcome<latency, std::string> parse(std::string_view text);

  bool is_none() const noexcept { return points_.empty(); }

  /// The time at that share of the distribution, from 0 to below 1.
  std::chrono::nanoseconds at(double share) const;

private:
  struct point {
    double share;
    double time;
  };
  static double seconds(std::chrono::nanoseconds time) {
    return std::chrono::duration<double>(time).count();
  }

  std::vector<point> points_;
  bool log_normal_ = false; ///< through the two points
};

} // namespace troupe
