#pragma once

#include "actors/agents/role.hpp"
#include "actors/agents/script.hpp"

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <utility>

namespace troupe {

/// A role with what it says, as its file has it.
struct role_file {
  role parsed;
  std::shared_ptr<const script> says;  ///< its prompts, read
  std::string file;                    ///< for people
  std::pair<int, int> called_at{0, 0}; ///< line and column of its name

  static config_result<role_file> read(std::string_view yaml, const std::string& file);
  static config_result<role_file> load(const std::filesystem::path& file);
  /// As `load_roles`.
  static config_result<std::map<std::string, role_file, std::less<>>>
  load_all(const std::filesystem::path& folder);
};

} // namespace troupe
