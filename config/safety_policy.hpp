#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace troupe {

/// What a text is searched for.
enum class safety_check : std::uint8_t {
  size,     ///< longer than allowed
  encoding, ///< bytes that are not UTF-8
  secret,   ///< keys and tokens
  email,
  card, ///< numbers of payment cards
  iban,
  denied,    ///< phrases of a deny list
  injection, ///< words that try to command a model, in what should be data
};
inline constexpr std::size_t safety_checks = 8;

std::string_view to_string(safety_check check);

/// What is done about it.
enum class safety_action : std::uint8_t {
  off,   ///< not even searched for
  flag,  ///< counted and told; the text stays
  mask,  ///< replaced by a placeholder, which is replaced back in the answer
  block, ///< the call or the answer is refused
};

std::string_view to_string(safety_action action);

/// What is done about each thing that may be found; nothing: as the policy above says it.
using safety_actions = std::array<std::optional<safety_action>, safety_checks>;

/// What is searched for in the calls of a role, a tenant, or all. What is not said here is as the
/// policy above says it: a role's comes before a tenant's, and that before the one of all.
struct safety_policy {
  safety_actions asked;    ///< of what people and roles say to a model
  safety_actions data;     ///< of results of tools and of documents, on their way to a model
  safety_actions answered; ///< of what a model says
  std::optional<std::uint64_t> bytes_max;         ///< of `safety_check::size`
  std::optional<std::vector<std::string>> denied; ///< phrases of `safety_check::denied`

  bool operator==(const safety_policy&) const = default;
};

/// The section `safety`.
struct safety_config {
  safety_policy all;
  std::map<std::string, safety_policy> roles, tenants; ///< by name

  bool operator==(const safety_config&) const = default;
};

} // namespace troupe
