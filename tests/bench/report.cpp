#include "tests/bench/report.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <iostream>

namespace troupe::bench {

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values.empty() ? 0 : values[values.size() / 2];
}

void compare(const std::string& what, const std::string& unit, int rounds,
             const std::function<double()>& ours, const std::string& yardstick_name,
             const std::function<double()>& yardstick) {
  std::vector<double> own;
  std::vector<double> other;
  for (int i = 0; i < rounds; ++i) {
    own.push_back(ours());
    other.push_back(yardstick());
  }
  nlohmann::json line{{"what", what},
                      {"unit", unit},
                      {"troupe", median(own)},
                      {"yardstick", yardstick_name},
                      {"yardstick_value", median(other)},
                      {"ratio", median(own) / median(other)},
                      {"rounds", rounds}};
  std::cout << line.dump() << std::endl;
}

void report(const std::string& what, const std::string& unit, double value,
            const std::string& note) {
  nlohmann::json line{{"what", what}, {"unit", unit}, {"troupe", value}};
  if (!note.empty())
    line["note"] = note;
  std::cout << line.dump() << std::endl;
}

} // namespace troupe::bench
