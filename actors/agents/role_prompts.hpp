#pragma once

#include "actors/agents/minds.hpp"
#include "actors/agents/prompt_template.hpp"
#include "config/yaml.hpp"

#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace troupe {

using prompt_map = std::map<std::string, prompt_template, std::less<>>;

/// The prompts of a role file: those that its mind needs, and what they may use; with minds that
/// take them, the role's own, each of which stands in for a variable of others. `for_tasks`: where
/// a mind uses fields of a task's input, any variable may be one. Errors say where in the file.
config_result<prompt_map> read_prompts(const yaml_node& role_node,
                                       const std::optional<yaml_node>& given,
                                       std::string_view file_text, const mind_kind& kind,
                                       bool for_tasks);

} // namespace troupe
