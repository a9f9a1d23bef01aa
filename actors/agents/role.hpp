#pragma once

#include "actors/agents/mind.hpp"
#include "config/config.hpp"
#include "messages/cluster.pb.h"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace troupe {

/// A kind of agent, declared in YAML (config/roles/*.yaml) or compiled in.
struct role {
  RoleInfo info;
  std::string mind = "chat";                  ///< which rules it follows: see make_role_mind
  std::uint32_t mind_version = 1;             ///< of these rules (mind_kind::version)
  std::map<std::string, std::string> prompts; ///< by name; with `{{variable}}`
  std::uint32_t output_tokens_max = 1000;
  std::chrono::milliseconds time_max{60'000}; ///< for one message or task
  bool durable = false;                       ///< its state is written before each reply
  /// Its mind has a state between messages. If that state is not durable, an agent stays in memory,
  /// unless the role gives an `idle` time after which it may be forgotten.
  bool remembers = true;
  std::optional<std::chrono::milliseconds> idle; ///< none: the node's `agents.idle`
  bool asks_unknown_again = true; ///< calls of which nobody knows what came of them (`on_unknown`)
  bool cheap = false;             ///< its tasks take microseconds, so they stay on the run's node
  bool reads_input = true;        ///< otherwise a task's input is not checked

  /// Its YAML file, and the first eight bytes of the file's SHA-256. A role that is compiled in has
  /// neither.
  std::string definition;
  std::uint64_t definition_hash = 0;

  /// Makes the mind of a new agent of this role. Set by the loader for YAML roles.
  std::function<std::unique_ptr<troupe::mind>()> make;
};

using role_table = std::map<std::string, std::shared_ptr<const role>, std::less<>>;

/// The built-in roles and those in `folder` (a file there replaces the built-in role of the same
/// name).
config_result<role_table> load_roles(const std::filesystem::path& folder);

/// One role file. `file` is for errors.
config_result<role> parse_role(std::string_view yaml, const std::string& file);

} // namespace troupe
