#include "tests/bench/report.hpp"

#include <nlohmann/json.hpp>

#include <sched.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <string_view>

namespace troupe::bench {

namespace {

constexpr int pinned_rounds = 15;
bool is_pinned = false;

/// The process keeps to the first `count` of the cores that it may use. False: there are fewer.
bool keep_to(std::size_t count, const cpu_set_t& allowed) {
  cpu_set_t chosen;
  CPU_ZERO(&chosen);
  for (std::size_t core = 0; core < CPU_SETSIZE && count > 0; ++core)
    if (CPU_ISSET(core, &allowed)) {
      CPU_SET(core, &chosen);
      --count;
    }
  return count == 0 && ::sched_setaffinity(0, sizeof chosen, &chosen) == 0;
}

nlohmann::json compared(const std::string& what, const std::string& unit, int rounds,
                        const std::function<double()>& ours, const std::string& yardstick_name,
                        const std::function<double()>& yardstick) {
  std::vector<double> own, other, ratios;
  for (int i = 0; i < rounds; ++i) {
    if (i % 2 == 1)
      other.push_back(yardstick());
    own.push_back(ours());
    if (i % 2 == 0)
      other.push_back(yardstick());
    ratios.push_back(own.back() / other.back());
  }
  return {{"what", what},
          {"unit", unit},
          {"troupe", median(own)},
          {"yardstick", yardstick_name},
          {"yardstick_value", median(other)},
          {"ratio", median(ratios)},
          {"quartiles", {quantile(ratios, 0.25), quantile(ratios, 0.75)}},
          {"rounds", rounds}};
}

} // namespace

void read_arguments(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    if (std::string_view{argv[i]} != "--pinned") {
      std::cerr << "unknown argument " << argv[i] << ", only --pinned is known\n";
      std::exit(64);
    }
    is_pinned = true;
  }
}

double quantile(std::vector<double> values, double share) {
  std::sort(values.begin(), values.end());
  auto at = static_cast<std::size_t>(share * static_cast<double>(values.size()));
  return values.empty() ? 0 : values[std::min(at, values.size() - 1)];
}

double median(std::vector<double> values) { return quantile(std::move(values), 0.5); }

void compare(const std::string& what, const std::string& unit, int rounds,
             const std::function<double()>& ours, const std::string& yardstick_name,
             const std::function<double()>& yardstick) {
  if (!is_pinned) {
    std::cout << compared(what, unit, rounds, ours, yardstick_name, yardstick).dump() << std::endl;
    return;
  }
  cpu_set_t allowed;
  if (::sched_getaffinity(0, sizeof allowed, &allowed) != 0)
    return;
  for (std::size_t cores : {1, 2}) {
    if (!keep_to(cores, allowed))
      continue;
    auto line = compared(what, unit, pinned_rounds, ours, yardstick_name, yardstick);
    line["cores"] = cores;
    std::cout << line.dump() << std::endl;
  }
  ::sched_setaffinity(0, sizeof allowed, &allowed);
}

void report(const std::string& what, const std::string& unit, double value,
            const std::string& note) {
  nlohmann::json line{{"what", what}, {"unit", unit}, {"troupe", value}};
  if (!note.empty())
    line["note"] = note;
  std::cout << line.dump() << std::endl;
}

} // namespace troupe::bench
