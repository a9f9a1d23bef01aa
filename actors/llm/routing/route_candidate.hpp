#pragma once

#include "config/model_capabilities.hpp"
#include "config/prices.hpp"

#include <cstdint>
#include <string>

namespace troupe {

/// A model that a route may choose: what does not change while a node runs.
struct route_candidate {
  std::string provider; ///< as the configuration calls it
  std::string model;    ///< as the provider calls it
  model_capabilities can;
  bool is_known = false;              ///< what it can do was found; otherwise all is expected
  const model_price* price = nullptr; ///< null: none is known

  /// PROVIDER/MODEL; "offline" alone.
  std::string title() const { return provider == model ? model : provider + "/" + model; }

  nano_usd cost_of(std::uint64_t input, std::uint64_t output) const {
    return price ? price->cost_of({.input = input, .output = output}) : 0;
  }
};

} // namespace troupe
