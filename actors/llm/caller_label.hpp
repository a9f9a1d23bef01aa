#pragma once

#include "messages/envelope.hpp"

#include <string_view>

namespace troupe {

/// Who asks, as a label of metrics and a group of callers, from a bounded set: a role, a slot of a
/// pool, a service, or "client".
std::string_view caller_label(const address& sender);

} // namespace troupe
