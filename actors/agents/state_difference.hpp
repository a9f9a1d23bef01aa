#pragma once

#include "messages/agents.pb.h"

#include <string_view>

namespace troupe {

/// What makes `now` of `before`: the bytes between what both begin with and what both end with.
StateChange difference(std::string_view before, std::string_view now);

} // namespace troupe
