#pragma once

#include "actors/agents/minds.hpp"
#include "actors/agents/script.hpp"
#include "config/yaml.hpp"

#include <optional>
#include <string_view>

namespace troupe {

class RoleInfo;

/// What a role file says about its prompts.
struct role_prompts {
  prompt_map prompts;
  template_variables variables; ///< that it declares

  /// The sections of the file; each may be missing.
  struct sections {
    std::optional<yaml_node> prompts, variables, partials;
  };

  /// Reads and checks them: the prompts that the mind needs and what they may use; with minds that
  /// take them, the role's own, each of which stands in for a variable of others. Without a section
  /// `variables`, any variable of a prompt may be a field of a task's input, where the mind uses
  /// those; with one, only those that are declared. `of` says whether there are tasks and messages.
  /// Errors say where in the file.
  static config_result<role_prompts> read(const yaml_node& role_node, const sections& given,
                                          std::string_view file_text, const mind_kind& kind,
                                          const RoleInfo& of);
};

} // namespace troupe
