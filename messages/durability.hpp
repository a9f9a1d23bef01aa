#pragma once

#include "messages/runs.pb.h"

#include <optional>
#include <string_view>

namespace troupe {

/// "sync", "async", "off", "default": as in graphs, options and what people are told.
std::string_view to_string(Durability durability) noexcept;

/// `sync`, `async` or `off`; nothing for any other word.
std::optional<Durability> durability_named(std::string_view word) noexcept;

/// Whether such a run outlives the process of its owner, and its client. A node that does not say
/// how durable a run is keeps it in memory only.
bool is_durable(Durability durability) noexcept;

} // namespace troupe
