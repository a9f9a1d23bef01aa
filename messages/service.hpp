#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace troupe {

/// The places in a node that answer to a fixed name, also after a restart. messages/contracts.hpp
/// says what each takes and answers. The numbers travel, so they are never reused.
enum class service : std::uint8_t {
  none = 0,
  membership = 1,
  roles = 2, ///< activates agents and keeps the pools
  queue = 3,
  coordinator = 4,
  models = 5, ///< finds the provider of a model
  state = 6,  ///< snapshots of agents
  blobs = 7,
  desk = 8,     ///< answers people's questions: status, traces
  reading = 9,  ///< computes on documents
  offline = 10, ///< the built-in model
  journal = 11, ///< the events of durable runs
};

inline constexpr std::size_t service_count = 12;

constexpr std::string_view to_string(service s) {
  constexpr std::string_view names[service_count] = {
      "none",  "membership", "roles", "queue",   "coordinator", "models",
      "state", "blobs",      "desk",  "reading", "offline",     "journal"};
  return names[static_cast<std::size_t>(s)];
}

} // namespace troupe
