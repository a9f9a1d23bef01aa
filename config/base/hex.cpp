#include "config/base/hex.hpp"

namespace troupe {

namespace {

constexpr char digits[] = "0123456789abcdef";

} // namespace

void append_hex(std::string& out, unsigned char byte) {
  out += digits[byte >> 4];
  out += digits[byte & 15];
}

std::string to_hex(std::string_view bytes) {
  std::string text;
  text.reserve(bytes.size() * 2);
  for (auto c : bytes)
    append_hex(text, static_cast<unsigned char>(c));
  return text;
}

std::string to_hex(std::uint64_t value) {
  std::string text(16, '0');
  for (std::size_t i = 16; i-- > 0; value >>= 4)
    text[i] = digits[value & 15];
  return text;
}

std::string to_hex(std::uint64_t hi, std::uint64_t lo) { return to_hex(hi) + to_hex(lo); }

} // namespace troupe
