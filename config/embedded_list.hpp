#pragma once

#include "config/config.hpp"
#include "config/embedded.hpp"
#include "config/yaml.hpp"

#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace troupe {

/// The list under `key` of the built-in file `KEY.yaml`, read by `read`. Throws if it cannot be
/// read: a test reads each of them, too.
template <class Item, class Read>
std::vector<Item> read_embedded_list(std::string_view key, Read read) {
  for (const auto& file : embedded_files()) {
    if (file.name != std::string{key} + ".yaml")
      continue;
    auto root = parse_yaml(file.text, std::string{file.name});
    if (!root)
      throw std::logic_error{to_string(root.error())};
    auto list = root->find(key);
    auto all = read(list ? *list : *root);
    if (!all)
      throw std::logic_error{to_string(all.error())};
    return *std::move(all);
  }
  return {};
}

} // namespace troupe
