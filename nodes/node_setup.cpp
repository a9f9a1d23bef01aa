#include "nodes/node_setup.hpp"

#include "actors/cluster/acceptor.hpp"
#include "config/base/random.hpp"
#include "config/limits/messages.hpp"
#include "config/limits/telemetry.hpp"
#include "config/limits/work.hpp"
#include "messages/cluster.pb.h"
#include "nodes/exit_codes.hpp"
#include "nodes/protobuf_log.hpp"
#include "persistence/own_files.hpp"
#include "telemetry/process_figures.hpp"

#include <fcntl.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include <random>

namespace troupe {

namespace {

unexpected<setup_failure> end_setup(int code, std::string message) {
  return {setup_failure{code, std::move(message)}};
}

log_options log_options_of(const node_config& cfg) {
  log_options options;
  const auto& level = cfg.telemetry.log_level;
  options.level = level == "debug"     ? log_level::debug
                  : level == "warning" ? log_level::warning
                  : level == "error"   ? log_level::error
                  : level == "off"     ? log_level::off
                                       : log_level::info;
  bool terminal = cfg.telemetry.log_file.empty() && ::isatty(STDERR_FILENO) != 0;
  options.json =
      cfg.telemetry.log_format == "json" || (cfg.telemetry.log_format == "auto" && !terminal);
  options.file = cfg.telemetry.log_file.string();
  options.node_name = cfg.node.name;
  return options;
}

std::shared_ptr<node_host> make_host(const node_config& cfg, const node_identity& self) {
  auto host = std::make_shared<node_host>();
  host->burst_messages_max = cfg.scheduler.max_throughput;
  host->log = make_log_sink(log_options_of(cfg));
  route_protobuf_log(host->log);
  host->counted.watch_log(host->log);
  recorder_options options;
  options.node = self.id;
  options.incarnation = self.incarnation;
  options.service = cfg.telemetry.service_name;
  options.node_name = cfg.node.name;
  options.cluster = cfg.cluster.name;
  options.target = otlp_target_of(cfg.telemetry);
  options.kept_max = cfg.telemetry.spans_kept;
  options.queued_max = limits::spans_queued_max;
  host->spans = std::make_unique<recorder>(options, host->counted, host->log);
  host->sampler = trace_sampler{cfg.telemetry.sample_ratio};
  host->post = std::make_unique<post>(self.id, host->counted, host->log);
  host->post->watch_clients([shared = host.get()](envelope& message) {
    for (auto& span : shared->door.leave(message, shared->clock.now()))
      shared->spans->record(std::move(span));
  });
  return host;
}

NodeInfo describe(const node_setup& setup, const node_config& cfg) {
  NodeInfo info;
  info.set_id(to_bytes(setup.identity.id));
  info.set_incarnation(setup.identity.incarnation);
  info.set_name(cfg.node.name);
  info.set_address(local_address(setup.listening.get()));
  info.set_capacity(cfg.agents.pool_size);
  for (const auto& [role_name, kind] : setup.roles)
    add_role(info, kind->info);
  return info;
}

/// The members other than this node. If none are configured, the node is a cluster by itself.
outcome<std::vector<NodeInfo>, setup_failure> others_of(const node_config& cfg, node_id self) {
  std::vector<NodeInfo> others;
  bool listed = cfg.cluster.members.empty();
  for (const auto& m : cfg.cluster.members) {
    auto id = parse_id128<node_id>(m.id);
    if (!id)
      return end_setup(exit_config, "cluster.members: '" + m.id + "' is not 32 hex digits");
    if (*id == self) {
      listed = true;
      continue;
    }
    auto& info = others.emplace_back();
    info.set_id(to_bytes(*id));
    info.set_name(m.name);
    info.set_address(m.address);
  }
  if (!listed)
    return end_setup(exit_config, "cluster.members does not list this node, " + to_string(self)
                                      + ": add it, or set node.id to the one it lists");
  if (others.size() >= limits::members_max)
    return end_setup(exit_config, "cluster.members lists more than "
                                      + std::to_string(limits::members_max) + " nodes");
  return others;
}

/// Opens a store now, so that damage is found before anything starts. The returned function gives
/// out this store first and opens a new one each later time.
template <class Store, class Open>
result<std::function<std::unique_ptr<Store>()>> store_source(Open open) {
  auto first = open();
  if (!first)
    return unexpected{first.error()};
  auto kept = std::make_shared<std::unique_ptr<Store>>(std::move(*first));
  return std::function<std::unique_ptr<Store>()>{[kept, open]() -> std::unique_ptr<Store> {
    if (*kept)
      return std::move(*kept);
    auto again = open();
    if (!again) // the supervisor counts it as a failed start
      throw std::runtime_error{again.error().message};
    return std::move(*again);
  }};
}

/// Damage stays; a full disk may not.
int exit_code_of_store(const failure& why) {
  return why.code == ec::bad_message ? exit_damaged
         : why.code == ec::refused   ? exit_unavailable
                                     : exit_cannot_write;
}

std::optional<setup_failure> open_stores(node_setup& setup, const std::filesystem::path& data) {
  // The first store is opened here. When a supervisor opens it again, it must still exist.
  auto had_stores = std::make_shared<bool>(setup.identity.has_stores);
  auto states = store_source<state_store>([folder = data / "state", had_stores] {
    state_store_options options;
    options.must_exist = *had_stores;
    return open_state_store(folder, options);
  });
  if (!states)
    return setup_failure{exit_code_of_store(states.error()), states.error().message};
  auto blobs = store_source<blob_store>([folder = data / "blobs", had_stores] {
    blob_store_options options;
    options.memory_bytes_max = limits::blob_memory_bytes_max;
    options.must_exist = *had_stores;
    return open_blob_store(folder, options);
  });
  if (!blobs)
    return setup_failure{exit_code_of_store(blobs.error()), blobs.error().message};
  // A node that was set up by a version without a journal has none yet.
  auto had_journal = std::make_shared<bool>(setup.identity.has_journal);
  auto journal = store_source<journal_store>([folder = data / "journal", had_journal] {
    journal_options options;
    options.must_exist = *had_journal;
    return open_journal(folder, options);
  });
  if (!journal)
    return setup_failure{exit_code_of_store(journal.error()), journal.error().message};
  setup.open_states = std::move(*states);
  setup.open_blobs = std::move(*blobs);
  setup.open_journal = std::move(*journal);
  *had_stores = *had_journal = true;
  if (auto noted = note_stores(data, setup.identity); !noted)
    return setup_failure{exit_code_of_store(noted.error()), noted.error().message};
  return std::nullopt;
}

} // namespace

outcome<node_setup, setup_failure> set_up_node(const node_options& options) {
  const auto& cfg = options.cfg;
  if (cfg.node.data.empty())
    return end_setup(exit_config,
                     "node.data is not set: name the folder where this node keeps its state");
  node_setup setup;
  auto descriptors = raise_descriptor_limit();
  if (!descriptors)
    return end_setup(exit_config, descriptors.error().message);
  setup.descriptors = *descriptors;
  auto roles = load_roles(cfg.node.roles);
  if (!roles)
    return end_setup(exit_config, to_string(roles.error()));
  setup.roles = options.extra_roles;
  setup.roles.merge(*roles); // a compiled-in role wins over a YAML role of the same name
  auto identity = open_identity(cfg.node.data, cfg.node.id, random_bits);
  if (!identity)
    return end_setup(exit_code_of_store(identity.error()), identity.error().message);
  setup.identity = std::move(*identity);
  auto others = others_of(cfg, setup.identity.id);
  if (!others)
    return unexpected{others.error()};
  setup.others = std::move(*others);
  auto secret_file =
      cfg.cluster.secret_file.empty() ? cfg.node.data / "secret" : cfg.cluster.secret_file;
  auto secret = load_or_create_secret(secret_file);
  if (!secret)
    return end_setup(exit_config, "cluster.secret_file: " + secret.error().message);
  setup.secret = std::move(*secret);
  auto place = parse_address(cfg.node.listen);
  if (!place)
    return end_setup(exit_config, "node.listen: " + place.error().message);
  auto listening = listen_on(*place);
  if (!listening)
    return end_setup(exit_unavailable, "node.listen: " + listening.error().message);
  setup.listening = std::move(*listening);
  if (auto failed = open_stores(setup, cfg.node.data))
    return unexpected{*failed};
  // Create and check the file here, because the log writer follows links.
  const auto& log = cfg.telemetry.log_file;
  if (!log.empty() && log.parent_path() == cfg.node.data)
    if (auto own = open_own_file(log, O_WRONLY | O_CREAT | O_APPEND); !own)
      return end_setup(exit_cannot_write, "telemetry.log_file: " + own.error().message);
  setup.host = make_host(cfg, setup.identity);
  auto local = local_socket::listen_in(cfg.node.data);
  if (local)
    setup.local_door.emplace(std::move(*local));
  else if (local.error().code == ec::refused)
    return end_setup(exit_config, local.error().message);
  else
    setup.host->log->write({log_level::warning,
                            "node",
                            local.error().message + "; clients on this machine connect by TCP",
                            {}});
  setup.self = describe(setup, cfg);
  // Publish before anybody can ask for an agent's home or the members.
  setup.host->post->publish(
      std::make_shared<member_view>(configured_view(setup.self, setup.others)));
  return setup;
}

http_routes node_pages(node_host& host) {
  http_routes pages;
  pages.add_page("GET", "/metrics", [&host](const incoming_request&) {
    return http_answer{200, "text/plain; version=0.0.4; charset=utf-8", host.counted.to_text(), {}};
  });
  pages.add_page("GET", "/health", [&host](const incoming_request&) {
    auto view = host.post->view();
    nlohmann::json members = nlohmann::json::array();
    bool all_up = true;
    for (const auto& m : view->members) {
      members.push_back({{"name", m.info.name()}, {"state", to_string(m.state)}});
      all_up = all_up && m.state == MEMBER_UP;
    }
    nlohmann::json health{{"status", all_up ? "ok" : "degraded"},
                          {"id", to_string(host.post->self())},
                          {"members", std::move(members)}};
    return http_answer{200, "application/json", health.dump() + "\n", {}};
  });
  return pages;
}

NodeStatus process_figures_of(const node_host& host) {
  auto figures = read_process_figures();
  NodeStatus status;
  status.set_pid(static_cast<std::uint64_t>(::getpid()));
  status.set_uptime_ms(
      static_cast<std::uint64_t>(host.clock.uptime() / std::chrono::milliseconds{1}));
  status.set_rss_bytes(figures.resident_bytes.value_or(0));
  status.set_cpu_seconds(figures.cpu_seconds);
  return status;
}

} // namespace troupe
