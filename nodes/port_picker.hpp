#pragma once

#include "messages/errors.hpp"

#include <cstdint>
#include <optional>
#include <string_view>
#include <unordered_set>

namespace troupe {

/// Finds loopback ports on which nobody listens. It looks below the range that the system uses for
/// outgoing connections, so that a restarted node finds its port still free.
class port_picker {
public:
  explicit port_picker(std::uint64_t seed) : state_(seed | 1) {}

  /// True once per port, if it can be bound now.
  bool claim(std::uint16_t port);
  /// `overloaded` if no port is free.
  result<std::uint16_t> next();

private:
  std::uint64_t state_;
  std::unordered_set<std::uint16_t> given_;
};

/// The PORT of "127.0.0.1:PORT"; nothing for any other text.
std::optional<std::uint16_t> port_of(std::string_view address);

} // namespace troupe
