#include "nodes/cluster_files.hpp"

#include "config/limits/messages.hpp"
#include "config/limits/storage.hpp"
#include "config/yaml.hpp"
#include "persistence/files.hpp"
#include "persistence/own_files.hpp"
#include "telemetry/shell_word.hpp"

#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <utility>

namespace troupe {

namespace fs = std::filesystem;

namespace {

std::string environment_value(const char* key) {
  auto value = std::getenv(key);
  return value ? value : "";
}

fs::path home_folder() {
  if (auto home = environment_value("HOME"); !home.empty())
    return home;
  auto user = ::getpwuid(::getuid());
  return user ? user->pw_dir : "/";
}

/// A YAML double-quoted scalar. Names and addresses hold no control characters.
std::string yaml_text(std::string_view text) {
  std::string out = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\')
      out += '\\';
    out += c;
  }
  return out + '"';
}

config_result<std::string> text_at(const yaml_node& map, std::string_view key) {
  auto found = map.find(key);
  if (!found)
    return map.fail("expected a mapping with the key " + std::string{key} + ", found "
                    + (map.is_map() ? "none" : map.found()));
  if (!found->is_scalar())
    return found->fail("expected a text, found " + found->found());
  return found->text();
}

config_result<void> read_node(const yaml_node& from, cluster_node& node) {
  for (auto [key, into] : {std::pair{"id", &node.member.id}, std::pair{"name", &node.member.name},
                           std::pair{"address", &node.member.address},
                           std::pair{"http_address", &node.http_address}}) {
    auto text = text_at(from, key);
    if (!text)
      return unexpected{std::move(text).error()};
    *into = std::move(*text);
  }
  return {};
}

/// Keys of a later version are left out.
config_result<cluster_file> parse_cluster_file(const std::string& text, const fs::path& path) {
  auto root = parse_yaml(text, path.string());
  if (!root)
    return unexpected{std::move(root).error()};
  cluster_file file;
  auto cluster_name = text_at(*root, "name");
  if (!cluster_name)
    return unexpected{std::move(cluster_name).error()};
  file.name = std::move(*cluster_name);
  auto nodes = root->find("nodes");
  if (!nodes)
    return root->fail("expected a list of nodes");
  auto listed = nodes->list();
  if (!listed)
    return unexpected{std::move(listed).error()};
  if (listed->empty() || listed->size() > limits::members_max)
    return nodes->fail("expected 1 to " + std::to_string(limits::members_max) + " nodes, found "
                       + std::to_string(listed->size()));
  for (const auto& each : *listed)
    if (auto read = read_node(each, file.nodes.emplace_back()); !read)
      return unexpected{std::move(read).error()};
  return file;
}

} // namespace

fs::path state_home() {
  fs::path given = environment_value("XDG_STATE_HOME");
  return given.is_absolute() ? given : home_folder() / ".local" / "state";
}

fs::path default_data_folder() {
  if (auto given = environment_value("TROUPE_DATA"); !given.empty())
    return fs::absolute(given).lexically_normal();
  return state_home() / "troupe" / "default";
}

fs::path secret_path(const fs::path& data) { return data / "secret"; }

fs::path cluster_file_path(const fs::path& data) { return data / "cluster.yaml"; }

fs::path node_folder(const fs::path& data, std::string_view node_name) { return data / node_name; }

result<std::optional<cluster_file>> read_cluster_file(const fs::path& data) {
  auto path = cluster_file_path(data);
  auto text = read_own_file(path, limits::yaml_bytes_max);
  if (!text)
    return unexpected{text.error()};
  if (!*text)
    return std::optional<cluster_file>{};
  auto file = parse_cluster_file(**text, path);
  if (!file)
    return fail(ec::bad_message, to_string(file.error())
                                     + " (`troupe up` writes this file: restore it from a copy)");
  return std::optional{std::move(*file)};
}

result<void> write_cluster_file(const fs::path& data, const cluster_file& file) {
  std::string text = "# Written by `troupe up`; clients find the cluster's nodes by it.\n";
  text += "name: " + yaml_text(file.name) + "\nnodes:\n";
  for (const auto& node : file.nodes) {
    text += "  - id: " + yaml_text(node.member.id) + "\n";
    text += "    name: " + yaml_text(node.member.name) + "\n";
    text += "    address: " + yaml_text(node.member.address) + "\n";
    text += "    http_address: " + yaml_text(node.http_address) + "\n";
  }
  return write_file_atomically(cluster_file_path(data), text);
}

result<void> write_file_atomically(const fs::path& path, std::string_view text, mode_t mode) {
  return replace_file(path, text, mode);
}

namespace {

failure already_runs(const fs::path& data, std::optional<pid_t> holder) {
  return {ec::refused, "a cluster is already running in " + data.string()
                           + (holder ? " (process " + std::to_string(*holder) + ")" : "")
                           + ": stop it with `troupe down --data " + shell_word(data.string())
                           + "`, or name another folder with --data"};
}

} // namespace

result<file_lock> take_folder(const fs::path& data) {
  auto taken = file_lock::take(data / "lock");
  if (!taken)
    return unexpected{std::move(taken).error()};
  if (!*taken)
    return unexpected{already_runs(data, lock_holder(data))};
  return **std::move(taken);
}

std::optional<pid_t> lock_holder(const fs::path& data) { return file_lock::holder(data / "lock"); }

std::uint64_t folder_bytes(const fs::path& folder) {
  std::uint64_t total = 0;
  std::error_code error;
  fs::recursive_directory_iterator it(folder, fs::directory_options::skip_permission_denied, error);
  for (; !error && it != fs::recursive_directory_iterator(); it.increment(error)) {
    struct stat about {};
    if (::lstat(it->path().c_str(), &about) == 0 && S_ISREG(about.st_mode))
      total += static_cast<std::uint64_t>(about.st_blocks) * 512;
  }
  return total;
}

} // namespace troupe
