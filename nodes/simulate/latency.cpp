#include "nodes/simulate/latency.hpp"

#include "config/durations.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>

namespace troupe {

namespace {

constexpr double z_of_p99 = 2.3263478740408408;

/// The inverse of the normal distribution: Acklam's rational approximation (2003), whose relative
/// error is below 1.2e-9.
double probit(double p) {
  constexpr double a[] = {-39.69683028665376, 220.9460984245205,  -275.9285104469687,
                          138.3577518672690,  -30.66479806614716, 2.506628277459239};
  constexpr double b[] = {-54.47609879822406, 161.5858368580409, -155.6989798598866,
                          66.80131188771972, -13.28068155288572};
  constexpr double c[] = {-0.007784894002430293, -0.3223964580411365, -2.400758277161838,
                          -2.549732539343734,    4.374664141464968,   2.938163982698783};
  constexpr double d[] = {0.007784695709041462, 0.3224671290700398, 2.445134137142996,
                          3.754408661907416};
  constexpr double low = 0.02425, least = 1e-12;
  p = std::clamp(p, least, 1 - least);
  auto tail = [&](double q) {
    return (((((c[0] * q + c[1]) * q + c[2]) * q + c[3]) * q + c[4]) * q + c[5])
           / ((((d[0] * q + d[1]) * q + d[2]) * q + d[3]) * q + 1);
  };
  if (p < low)
    return tail(std::sqrt(-2 * std::log(p)));
  if (p > 1 - low)
    return -tail(std::sqrt(-2 * std::log(1 - p)));
  auto q = p - 0.5, r = q * q;
  return (((((a[0] * r + a[1]) * r + a[2]) * r + a[3]) * r + a[4]) * r + a[5]) * q
         / (((((b[0] * r + b[1]) * r + b[2]) * r + b[3]) * r + b[4]) * r + 1);
}

/// "p99" is 0.99, "p99.9" is 0.999.
std::optional<double> share_of(std::string_view name) {
  if (name == "median")
    return 0.5;
  if (!name.starts_with('p'))
    return std::nullopt;
  double percent = 0;
  auto end = name.data() + name.size();
  auto [stopped, error] = std::from_chars(name.data() + 1, end, percent);
  if (error != std::errc{} || stopped != end || !(percent >= 0 && percent <= 100))
    return std::nullopt;
  return percent / 100;
}

} // namespace

outcome<latency, std::string> latency::parse(std::string_view text) {
  unexpected<std::string> wrong{"expected a time such as 200ms, or \"median=300ms p99=4s\", or "
                                "percentiles such as \"p50=300ms p90=900ms p99=4s\""};
  if (auto always = parse_duration(text))
    return latency{*always};
  latency made;
  made.log_normal_ = text.starts_with("median=");
  for (auto rest = text; !rest.empty();) {
    auto word = rest.substr(0, rest.find(' '));
    rest.remove_prefix(std::min(word.size() + 1, rest.size()));
    auto equals = std::min(word.find('='), word.size());
    auto share = share_of(word.substr(0, equals));
    auto time = parse_duration(word.substr(std::min(equals + 1, word.size())));
    if (!share || !time)
      return wrong;
    made.points_.push_back({*share, seconds(*time)});
  }
  const auto& points = made.points_;
  auto rises = [](const point& x, const point& y) { return x.share < y.share && x.time <= y.time; };
  for (std::size_t i = 1; i < points.size(); ++i)
    if (!rises(points[i - 1], points[i]))
      return wrong;
  if (points.empty()
      || (made.log_normal_
          && (points.size() != 2 || points[1].share != 0.99 || points[0].time <= 0)))
    return wrong;
  return made;
}

std::chrono::nanoseconds latency::at(double share) const {
  if (points_.empty())
    return {};
  auto time = points_.back().time;
  if (log_normal_) {
    auto sigma = std::log(points_[1].time / points_[0].time) / z_of_p99;
    time = points_[0].time * std::exp(sigma * probit(share));
  } else if (share <= points_.front().share) {
    time = points_.front().time;
  } else {
    for (std::size_t i = 1; i < points_.size(); ++i) {
      const auto &before = points_[i - 1], &after = points_[i];
      if (share > after.share)
        continue;
      time = before.time
             + (after.time - before.time) * (share - before.share) / (after.share - before.share);
      break;
    }
  }
  return std::chrono::nanoseconds{std::llround(time * 1e9)};
}

} // namespace troupe
