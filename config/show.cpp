#include "config/base/hex.hpp"
#include "config/base/utf8.hpp"
#include "config/config.hpp"
#include "config/keys.hpp"

#include <algorithm>

namespace troupe {

namespace {

bool is_plain(std::string_view text) {
  auto safe = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'
           || c == '.' || c == '/';
  };
  if (text.empty() || !safe(text.front()) || text.back() == ':')
    return false;
  if (text == "null" || text == "Null" || text == "NULL")
    return false;
  return std::all_of(text.begin(), text.end(),
                     [&](char c) { return safe(c) || c == ':' || c == '-'; });
}

/// A scalar that YAML reads back as `text`.
std::string scalar(std::string_view text) {
  if (is_plain(text))
    return std::string(text);
  std::string made = "\"";
  for (auto c : text) {
    auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\')
      (made += '\\') += c;
    else if (byte < 0x20 || byte == 0x7f)
      append_hex(made += "\\x", byte);
    else
      made += c;
  }
  return made + "\"";
}

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
      from = comment("a path that is not UTF-8 and cannot stand here: --set "
                     + std::string(key.name) + "=PATH")
             + "\n";
    }
    if (key.kind == key_kind::text)
      line += " " + scalar(how == secrets::hidden && !value.empty() ? key.shown(cfg) : value);
    else if (!as_list)
      line += " " + value;
    shown += padded(std::move(line), comment_column) + from;
    if (as_list)
      for (const auto& m : cfg.cluster.members)
        shown += "    - {id: " + scalar(m.id) + ", name: " + scalar(m.name)
                 + ", address: " + scalar(m.address) + "}\n";
  }
  return shown;
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
  std::size_t names = 0, types = 0, values = 0;
  auto value_of = [&](const config_key& key) {
    auto value = key.get(defaults);
    return key.kind == key_kind::text ? scalar(value) : value;
  };
  for (const auto& key : config_keys()) {
    names = std::max(names, key.name.size());
    types = std::max(types, key.type.size());
    values = std::max(values, value_of(key).size());
  }
  std::string lines;
  for (const auto& key : config_keys())
    lines += padded(std::string(key.name), names + 2) + padded(key.type, types + 2)
             + padded(value_of(key), values + 2) + std::string(key.help) + "\n";
  return lines;
}

} // namespace troupe
