#pragma once

#include <string>
#include <string_view>

namespace troupe {

/// 32 bytes.
std::string sha256(std::string_view bytes);

} // namespace troupe
