#include "actors/llm/safety/safety_tally.hpp"

#include <string_view>

namespace troupe {

namespace {

constexpr std::string_view way_names[] = {"asked", "data", "answered"};

} // namespace

void safety_tally::add(safety_way way, const safety_counts& more) {
  auto& to = found[static_cast<std::size_t>(way)];
  for (std::size_t check = 0; check < safety_checks; ++check)
    to[check] += more[check];
}

bool safety_tally::empty() const { return found == std::array<safety_counts, safety_ways>{}; }

std::string safety_tally::text(const call_rules& rules) const {
  std::string made;
  for (std::size_t way = 0; way < safety_ways; ++way)
    for (std::size_t i = 0; i < safety_checks; ++i) {
      if (found[way][i] == 0)
        continue;
      auto check = static_cast<safety_check>(i);
      made.append(made.empty() ? "" : ", ").append(way_names[way]).append(" ");
      made.append(to_string(check)).append(" ");
      made.append(to_string(rules.ways[way].action_of(check))).append(" ");
      made += std::to_string(found[way][i]);
    }
  return made;
}

} // namespace troupe
