#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace troupe {

/// 32 bytes.
std::string sha256(std::string_view bytes);

/// Its first eight bytes as a number, the first byte the highest.
std::uint64_t short_sha256(std::string_view bytes);

} // namespace troupe
