#include "nodes/cluster_setup.hpp"

#include "config/base/count_of.hpp"
#include "config/base/hex.hpp"
#include "config/keys.hpp"
#include "config/limits/messages.hpp"
#include "messages/ids.hpp"
#include "nodes/port_picker.hpp"
#include "persistence/identity.hpp"
#include "persistence/own_files.hpp"

#include <cstdlib>
#include <string>
#include <system_error>

namespace troupe {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t nodes_by_default = 3;

/// A random UUID (RFC 9562, version 4) without its dashes.
std::string new_node_id(const std::function<std::uint64_t()>& random) {
  auto hi = (random() & ~0xf000ULL) | 0x4000ULL;
  auto lo = (random() & ~(3ULL << 62)) | (2ULL << 62);
  return to_hex(hi, lo);
}

/// Keeps the previous port if it is still free.
result<std::string> settle_address(const std::string& before, port_picker& ports) {
  if (auto port = port_of(before); port && ports.claim(*port))
    return before;
  auto port = ports.next();
  if (!port)
    return unexpected{port.error()};
  return "127.0.0.1:" + std::to_string(*port);
}

result<cluster_file> plan_nodes(const cluster_setup_options& options,
                                std::optional<cluster_file> before) {
  cluster_file file;
  if (before)
    file = std::move(*before);
  file.name = options.cfg.cluster.name;
  auto wanted = options.nodes != 0   ? options.nodes
                : file.nodes.empty() ? nodes_by_default
                                     : file.nodes.size();
  if (!file.nodes.empty() && file.nodes.size() != wanted)
    return fail(ec::invalid_argument,
                options.data.string() + " holds a cluster of " + count_of(file.nodes.size(), "node")
                    + ", not of " + std::to_string(wanted) + ": start it with --nodes "
                    + std::to_string(file.nodes.size()) + ", or name another folder with --data");
  if (wanted > limits::members_max)
    return fail(ec::invalid_argument,
                "a cluster has at most " + std::to_string(limits::members_max) + " nodes");
  port_picker ports(options.random());
  file.nodes.resize(wanted);
  for (std::size_t i = 0; i < wanted; ++i) {
    auto& [member, http_address] = file.nodes[i];
    if (member.id.empty()) {
      member.id = new_node_id(options.random);
      member.name = "node-" + std::to_string(i + 1);
    }
    for (auto place : {&member.address, &http_address}) {
      auto settled = settle_address(*place, ports);
      if (!settled)
        return unexpected{settled.error()};
      *place = std::move(*settled);
    }
  }
  return file;
}

/// The variables that hold keys of providers: a node reads them itself.
std::vector<std::string> key_variables(const node_config& cfg) {
  std::vector<std::string> all;
  for (const auto& provider : cfg.catalog.providers)
    for (const auto& key : provider.keys)
      if (key.place.where == key_place::sort::variable)
        all.push_back(key.place.what);
  return all;
}

/// What of a configuration all nodes have in common: `up` gives each node the rest itself.
void take_away_own(node_config& cfg) {
  for (auto key : {"cluster.secret_file", "cluster.members", "node.name", "node.id", "node.listen",
                   "node.http_listen", "node.data", "telemetry.log_file"})
    cfg.origins.erase(key);
  if (!cfg.node.roles.empty())
    cfg.node.roles = fs::absolute(cfg.node.roles);
}

fs::path node_config_path(const fs::path& data, std::string_view node_name) {
  return node_folder(data, node_name) / "node.yaml";
}

result<local_node> write_node(const cluster_setup_options& options, const cluster_file& file,
                              const cluster_node& node) {
  auto folder = node_folder(options.data, node.member.name);
  if (auto made = make_own_folder(folder); !made)
    return unexpected{made.error()};
  auto cfg = options.cfg;
  take_away_own(cfg);
  cfg.cluster.secret_file = secret_path(options.data);
  cfg.cluster.members.clear();
  for (const auto& each : file.nodes)
    cfg.cluster.members.push_back(each.member);
  cfg.node.name = node.member.name;
  cfg.node.id = node.member.id;
  cfg.node.listen = node.member.address;
  cfg.node.http_listen = node.http_address;
  cfg.node.data = folder;
  cfg.telemetry.log_file = folder / "log.jsonl";
  auto config_path = node_config_path(options.data, node.member.name);
  if (auto written = write_file_atomically(config_path, show_config(cfg)); !written)
    return unexpected{written.error()};
  std::vector<std::string> arguments{
      "node",    "--config", config_path.string(), "--ready-fd", std::to_string(ready_fd_number),
      "--pulses"};
  auto beside = flags_beside_file(cfg);
  arguments.insert(arguments.end(), beside.begin(), beside.end());
  return local_node{
      node.member.name,
      node.member.id,
      node.member.address,
      node.http_address,
      {options.program, std::move(arguments), folder / "output.log", key_variables(cfg)},
      cfg.telemetry.log_file};
}

/// A cluster already runs there. If its number of nodes differs from the wanted one, the message
/// says so.
failure with_difference(const cluster_setup_options& options, failure why) {
  auto running = read_cluster_file(options.data);
  if (options.nodes != 0 && why.code == ec::refused && running && running->has_value()
      && (*running)->nodes.size() != options.nodes)
    why.message += " (it has " + count_of((*running)->nodes.size(), "node") + ", not "
                   + std::to_string(options.nodes) + ")";
  return why;
}

} // namespace

void keep_environment_paths() {
  constexpr const char* all[] = {"OTEL_EXPORTER_OTLP_CERTIFICATE",
                                 "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE",
                                 "OTEL_EXPORTER_OTLP_CLIENT_KEY",
                                 "OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE",
                                 "OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE",
                                 "OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY",
                                 "SSL_CERT_FILE",
                                 "SSL_CERT_DIR"};
  for (auto variable : all)
    if (auto value = std::getenv(variable); value && *value != '\0') {
      std::error_code error;
      auto path = std::filesystem::absolute(value, error);
      if (!error && path != value)
        ::setenv(variable, path.c_str(), 1);
    }
}

result<std::vector<std::string>> settings_not_in_force(const fs::path& data,
                                                       const node_config& cfg) {
  auto file = read_cluster_file(data);
  if (!file)
    return unexpected{file.error()};
  std::vector<std::string> differ;
  if (!*file)
    return differ;
  config_sources stored;
  stored.file = node_config_path(data, (*file)->nodes.front().member.name);
  auto running = load_config(stored);
  if (!running)
    return fail(ec::bad_message, to_string(running.error()));
  auto wanted = cfg;
  take_away_own(wanted);
  for (const auto& key : config_keys()) {
    auto origin = wanted.origins.find(std::string{key.name});
    if (key.kind == key_kind::members || origin == wanted.origins.end()
        || origin->second.starts_with("environment") || key.get(wanted) == key.get(*running))
      continue;
    differ.push_back(std::string{key.name} + " is " + key.shown(*running) + " there, not "
                     + key.shown(wanted));
  }
  return differ;
}

result<cluster_setup> prepare_cluster(const cluster_setup_options& options) {
  if (auto made = make_own_folder(options.data); !made)
    return unexpected{made.error()};
  auto lock = take_folder(options.data);
  if (!lock)
    return unexpected{with_difference(options, std::move(lock).error())};
  auto before = read_cluster_file(options.data);
  if (!before)
    return unexpected{before.error()};
  bool is_new = !before->has_value();
  auto file = plan_nodes(options, std::move(*before));
  if (!file)
    return unexpected{file.error()};
  if (auto secret = load_or_create_secret(secret_path(options.data)); !secret)
    return unexpected{secret.error()};
  if (auto written = write_cluster_file(options.data, *file); !written)
    return unexpected{written.error()};
  cluster_setup setup{std::move(*lock), std::move(*file), {}, is_new};
  for (const auto& node : setup.file.nodes) {
    auto made = write_node(options, setup.file, node);
    if (!made)
      return unexpected{made.error()};
    setup.nodes.push_back(std::move(*made));
  }
  return setup;
}

} // namespace troupe
