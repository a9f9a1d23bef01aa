#pragma once

#include <string>
#include <string_view>

namespace troupe {

/// A scalar that YAML reads back as `text`, quoted if it has to be.
std::string yaml_scalar(std::string_view text);

} // namespace troupe
