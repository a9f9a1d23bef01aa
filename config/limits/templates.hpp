#pragma once

#include "config/limits/units.hpp"

/// Prompts with variables (actors/agents/templates).
namespace troupe::limits {

inline constexpr std::size_t filled_template_bytes_max = 16 * mib; ///< a prompt with its values
inline constexpr std::size_t template_loops_deep_max = 8;          ///< in each other
inline constexpr std::size_t template_partials_deep_max = 8;

} // namespace troupe::limits
