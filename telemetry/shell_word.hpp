#pragma once

#include <string>
#include <string_view>

namespace troupe {

/// A word as a shell takes it, for commands that people are told to type: as it is where that is
/// plain, else '...', and $'...' (bash, zsh, ksh) where it holds what cannot be shown.
std::string shell_word(std::string_view text);

} // namespace troupe
