#include "config/base/utf8.hpp"
#include "config/config.hpp"
#include "config/keys.hpp"
#include "config/safety_section.hpp"
#include "config/yaml_text.hpp"

#include <algorithm>
#include <array>
#include <vector>

namespace troupe {

namespace {

std::string comment(std::string text) {
  text = valid_utf8(text); // a place may be in a file with any name
  std::replace_if(
      text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20; }, ' ');
  return "# " + text;
}

std::string padded(std::string text, std::size_t width) {
  text.resize(std::max(text.size() + 1, width), ' ');
  return text;
}

} // namespace

std::string origin_of(const node_config& cfg, const config_key& key) {
  auto found = cfg.origins.find(std::string(key.name));
  if (found != cfg.origins.end())
    return found->second;
  auto is_default = key.kind == key_kind::members ? cfg.cluster.members.empty()
                                                  : key.get(cfg) == key.get(node_config{});
  return is_default ? "default" : "set by the program";
}

std::string show_config(const node_config& cfg, secrets how) {
  constexpr std::size_t comment_column = 40;
  std::string shown;
  std::string_view section;
  for (const auto& key : config_keys()) {
    if (key.section() != section) {
      section = key.section();
      shown += std::string(section) + ":\n";
    }
    auto from = comment(origin_of(cfg, key)) + "\n";
    auto line = "  " + std::string(key.leaf()) + ":";
    auto as_list = key.kind == key_kind::members && !cfg.cluster.members.empty();
    auto value = key.get(cfg);
    if (!is_utf8(value)) {
      value.clear();
      from = comment("a path that is not UTF-8 and cannot be written here: --set "
                     + std::string(key.name) + "=PATH")
             + "\n";
    }
    if (key.kind == key_kind::text)
      line += " " + yaml_scalar(how == secrets::hidden && !value.empty() ? key.shown(cfg) : value);
    else if (!as_list)
      line += " " + value;
    shown += padded(std::move(line), comment_column) + from;
    if (as_list)
      for (const auto& m : cfg.cluster.members)
        shown += "    - {id: " + yaml_scalar(m.id) + ", name: " + yaml_scalar(m.name)
                 + ", address: " + yaml_scalar(m.address) + "}\n";
  }
  return shown + show_providers(cfg.catalog, how == secrets::hidden) + show_safety(cfg.safety);
}

std::vector<std::string> flags_beside_file(const node_config& cfg) {
  std::vector<std::string> flags;
  for (const auto& key : config_keys())
    if (auto value = key.get(cfg); !is_utf8(value))
      flags.insert(flags.end(), {"--set", std::string(key.name) + "=" + value});
  return flags;
}

std::string describe_config() {
  const node_config defaults;
  std::vector<std::array<std::string, 4>> rows; // name, type, standard value, help
  for (const auto& key : config_keys()) {
    auto value = key.get(defaults);
    rows.push_back({std::string(key.name), key.type,
                    key.kind == key_kind::text ? yaml_scalar(value) : value,
                    std::string(key.help)});
  }
  auto further = describe_providers();
  for (const auto& key : describe_safety())
    further.push_back(key);
  for (const auto& key : further)
    rows.push_back({std::string(key.name), std::string(key.type), std::string(key.standard),
                    std::string(key.help)});
  std::array<std::size_t, 3> widths{};
  for (const auto& row : rows)
    for (std::size_t i = 0; i < widths.size(); ++i)
      widths[i] = std::max(widths[i], row[i].size() + 2);
  std::string lines;
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < widths.size(); ++i)
      lines += padded(row[i], widths[i]);
    lines += row.back() + "\n";
  }
  return lines;
}

} // namespace troupe
