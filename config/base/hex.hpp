#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace troupe {

/// Two lower-case digits.
void append_hex(std::string& out, unsigned char byte);

/// Two digits a byte.
std::string to_hex(std::string_view bytes);

/// Sixteen digits, the highest first.
std::string to_hex(std::uint64_t value);
std::string to_hex(std::uint64_t hi, std::uint64_t lo);

} // namespace troupe
