#pragma once

#include <string_view>

namespace troupe {

/// The version of this program, such as "0.2.0".
std::string_view program_version();

} // namespace troupe
