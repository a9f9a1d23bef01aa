#pragma once

#include "config/config.hpp"

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace troupe {

enum class key_kind {
  text,    ///< any scalar, quoted or not
  number,  ///< whole or not: a plain scalar
  members, ///< the list of members: in a file only
};

/// One setting. Loading, showing and describing all use the one table of these.
struct config_key {
  std::string_view name; ///< "telemetry.otlp_endpoint"
  key_kind kind;
  std::string type; ///< for people: "whole number from 0 to 1024"
  std::string_view help;
  /// Checks `text` and sets the value; the error says what was expected and what was found.
  std::function<outcome<void, std::string>(node_config&, std::string_view text)> set;
  /// The value as text that `set` accepts. Not usable for `members`.
  std::function<std::string(const node_config&)> get;

  /// `get` for people: without a password.
  std::string shown(const node_config& cfg) const;

  std::string_view section() const { return name.substr(0, name.find('.')); }
  std::string_view leaf() const { return name.substr(name.find('.') + 1); }
};

/// All keys; those of one section stand together.
std::span<const config_key> config_keys();
/// Null if there is no such key.
const config_key* find_config_key(std::string_view name);

/// Where the value came from: "FILE:LINE", "environment NAME", "--set", "default".
std::string origin_of(const node_config& cfg, const config_key& key);

/// "telemetry.otlp_endpoint" is TROUPE_TELEMETRY_OTLP_ENDPOINT in the environment.
std::string environment_name(std::string_view key);

/// Says what `found` is when it is not `expected`.
unexpected<std::string> mismatch(std::string_view expected, std::string_view found);
/// Names of clusters and nodes: 1 to 64 letters, digits, `-`, `_`, `.`.
outcome<void, std::string> check_plain_name(std::string_view text);
/// Ids of nodes: 32 hex digits.
outcome<void, std::string> check_node_id(std::string_view text);

} // namespace troupe
