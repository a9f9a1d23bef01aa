#pragma once

#include "config/providers.hpp"

#include <string_view>

namespace troupe {

/// How a configuration says where a key is. Both who reads it and who shows it need the words.
struct key_word {
  std::string_view key;
  key_place::sort kind;
};
inline constexpr key_word key_words[] = {{"api_key_env", key_place::sort::variable},
                                         {"api_key_file", key_place::sort::file},
                                         {"api_key_in", key_place::sort::config_file}};

} // namespace troupe
