#pragma once

#include <string>
#include <string_view>

namespace troupe {

/// A word as a shell takes it, for commands that people are told to type: unchanged if it is plain,
/// otherwise '...', or $'...' (bash, zsh, ksh) if it holds what cannot be shown.
std::string shell_word(std::string_view text);

} // namespace troupe
