#pragma once

#include <cstdint>

namespace troupe {

/// What an end of a link can do beyond its version of the protocol, one bit each. Each end lists
/// its features in its Hello; only those that both have are used. Unknown bits are ignored.
enum class link_feature : std::uint64_t {
  member_roles = 1, ///< tells its roles to other members: MemberRoles
};

inline constexpr std::uint64_t own_link_features =
    static_cast<std::uint64_t>(link_feature::member_roles);

constexpr bool has(std::uint64_t features, link_feature wanted) {
  return (features & static_cast<std::uint64_t>(wanted)) != 0;
}

} // namespace troupe
