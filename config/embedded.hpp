#pragma once

#include <string_view>
#include <vector>

namespace troupe {

/// A file of `config/` that was built into the program.
struct embedded_file {
  std::string_view name; ///< relative to `config/`, such as "graphs/digest.yaml"
  std::string_view text;
};

/// All built-in roles and graphs, ordered by name.
const std::vector<embedded_file>& embedded_files();

} // namespace troupe
