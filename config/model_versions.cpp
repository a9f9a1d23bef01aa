#include "config/model_versions.hpp"

#include <algorithm>
#include <cstddef>

namespace troupe {

namespace {

/// "-2024-08-06", "-20241022", "-0613"; not the "-5" of a later version, nor its "-5-20250929".
bool is_date(std::string_view rest) {
  constexpr std::size_t year_digits = 4; // or month and day
  if (!rest.starts_with('-') || rest.find_first_not_of("0123456789-") != rest.npos)
    return false;
  rest.remove_prefix(1);
  return std::min(rest.find('-'), rest.size()) >= year_digits;
}

} // namespace

bool is_version_of(std::string_view model, std::string_view named) {
  if (!model.starts_with(named))
    return false;
  auto rest = model.substr(named.size());
  return rest.empty() || is_date(rest) || rest == "-latest";
}

} // namespace troupe
