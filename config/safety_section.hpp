#pragma once

#include "config/base/result.hpp"
#include "config/safety_policy.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace troupe {

struct config_error;
struct described_key;
class yaml_node;

/// What a section `safety` means where it says nothing (docs/decisions/0036-safety.md). Without the
/// section, nothing is searched for.
const safety_policy& usual_safety();

/// Reads the section `safety`; paths in it are relative to the folder of `file`.
outcome<safety_config, config_error> read_safety(const yaml_node& section,
                                                 const std::filesystem::path& file);

/// The section as `read_safety` reads it back, the phrases of files included. Empty if there was
/// none.
std::string show_safety(const safety_config& of);

/// One line per key, as `describe_config` writes them.
std::vector<described_key> describe_safety();

} // namespace troupe
