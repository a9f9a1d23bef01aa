#pragma once

#include "config/base/result.hpp"
#include "config/providers.hpp"

#include <string>
#include <string_view>

namespace troupe {

/// The key at that place, the `index`-th of its provider; or what is wrong with the place, without
/// any part of the key. Only regular files are read. Takes as long as their file system does.
outcome<std::string, std::string> read_key(const key_place& place, std::string_view provider,
                                           std::size_t index);

} // namespace troupe
