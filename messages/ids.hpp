#pragma once

#include "config/base/hex.hpp"
#include <array>
#include <chrono>
#include <compare>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace troupe {

/// A point in time in nanoseconds since the Unix epoch. The clock never jumps: the wall clock is
/// read once when the process starts, and the monotonic clock counts from there.
using instant = std::chrono::sys_time<std::chrono::nanoseconds>;

/// 128 bits that name something across the cluster. `Tag` distinguishes ids of different things.
template <class Tag>
struct id128 {
  std::uint64_t hi = 0;
  std::uint64_t lo = 0;

  friend auto operator<=>(const id128&, const id128&) = default;
  explicit operator bool() const noexcept { return (hi | lo) != 0; }
};

/// 64 bits that name something; zero means "none".
template <class Tag>
struct id64 {
  std::uint64_t value = 0;

  friend auto operator<=>(const id64&, const id64&) = default;
  explicit operator bool() const noexcept { return value != 0; }
};

using node_id = id128<struct node_tag>; ///< UUID, kept in the node's data folder
using run_id = id128<struct run_tag>;
using trace_id = id128<struct trace_tag>;    ///< W3C trace-id
using span_id = id64<struct span_tag>;       ///< W3C parent-id
using session_id = id64<struct session_tag>; ///< one life of one sender of messages

template <class Tag>
std::string to_string(const id128<Tag>& id) {
  return to_hex(id.hi, id.lo);
}
template <class Tag>
std::string to_string(const id64<Tag>& id) {
  return to_hex(id.value);
}

/// Reads 16 or 32 hex digits in either case. Nothing if `text` is anything else.
std::optional<std::uint64_t> parse_hex64(std::string_view text);
std::optional<std::array<std::uint64_t, 2>> parse_hex128(std::string_view text);

template <class Id>
std::optional<Id> parse_id128(std::string_view text) {
  if (auto parts = parse_hex128(text))
    return Id{(*parts)[0], (*parts)[1]};
  return std::nullopt;
}

} // namespace troupe

template <class Tag>
struct std::hash<troupe::id128<Tag>> {
  std::size_t operator()(const troupe::id128<Tag>& id) const noexcept {
    return id.lo ^ (id.hi * 0x9e3779b97f4a7c15ULL);
  }
};

template <class Tag>
struct std::hash<troupe::id64<Tag>> {
  std::size_t operator()(const troupe::id64<Tag>& id) const noexcept { return id.value; }
};
