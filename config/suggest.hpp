#pragma once

#include <span>
#include <string>
#include <string_view>

namespace troupe {

/// The candidate that `word` most probably misspells; empty if none is near enough (about a third
/// of the letters wrong, missing, extra or swapped with their neighbour).
std::string_view nearest(std::string_view word, std::span<const std::string_view> candidates);

/// " (did you mean NEAREST?)", or nothing.
std::string did_you_mean(std::string_view word, std::span<const std::string_view> candidates);

/// "a, b, c"
std::string listed(std::span<const std::string_view> names);

} // namespace troupe
