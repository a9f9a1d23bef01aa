#pragma once

#include "config/base/result.hpp"
#include "config/limits/mailboxes.hpp"
#include "config/limits/storage.hpp"
#include "config/limits/telemetry.hpp"
#include "config/limits/work.hpp"
#include "config/providers.hpp"
#include "config/safety_policy.hpp"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace troupe {

/// What is wrong with a configuration, and where. `file` is a path, "environment" or "command
/// line".
struct config_error {
  std::string file;
  int line = 0; ///< from 1; 0 where there is none
  int column = 0;
  std::string message; ///< what was found and what was expected
};

/// "config.yaml:3:7: cluster.colour is not a key of the configuration (did you mean ...?)"
std::string to_string(const config_error& e);

template <class T>
using config_result = outcome<T, config_error>;

/// The value of `telemetry.otlp_endpoint` that stops any OTEL_* variable from being used instead.
inline constexpr std::string_view otlp_nowhere = "none";

struct member_config {
  std::string id; ///< 32 hex digits
  std::string name;
  std::string address; ///< HOST:PORT
};

/// How much of a run outlives the process of its owner.
enum class run_durability {
  off,   ///< nothing: the run ends with its owner
  async, ///< all but about the last 100 ms of work
  sync,  ///< what was acknowledged
};

/// All settings, with their defaults. The keys in YAML are the names here, nested like the structs.
struct node_config {
  struct cluster_section {
    std::string name = "default";
    std::filesystem::path secret_file;  ///< 64 hex digits, mode 0600
    std::vector<member_config> members; ///< all of them, this node included
  } cluster;

  struct node_section {
    std::string name = "node-1";
    std::string id; ///< empty: the one kept in the data folder, made at first start
    std::string listen = "127.0.0.1:0";      ///< loopback only
    std::string http_listen = "127.0.0.1:0"; ///< /metrics and /health
    std::filesystem::path data;              ///< the node's data folder
    std::filesystem::path roles; ///< folder of more role files; empty: only the built-in ones
  } node;

  struct scheduler_section {
    std::uint32_t threads = 0; ///< 0: the cores this process may use
    /// Messages an actor works on before it yields.
    std::uint32_t max_throughput = limits::burst_messages_max;
  } scheduler;

  struct agents_section {
    std::uint32_t pool_size = limits::pool_size;         ///< per role and node
    std::chrono::milliseconds idle = limits::agent_idle; ///< then an agent leaves the memory
  } agents;

  struct queue_section {
    std::uint32_t tasks_max = limits::queue_tasks_max;
  } queue;

  struct storage_section {
    std::chrono::milliseconds blob_keep = limits::blob_keep; ///< for a blob that nobody names
    /// Bytes: with less space on the disk of `node.data`, a node takes no new runs.
    std::uint64_t free_min = limits::storage_free_bytes_min;
  } storage;

  struct journal_section {
    std::chrono::milliseconds retention = limits::journal_retention; ///< of runs that have ended
  } journal;

  struct runs_section {
    run_durability durability = run_durability::sync; ///< of runs that do not say it themselves
  } runs;

  struct models_section {
    std::chrono::milliseconds offline_delay{
        0}; ///< each call of the offline model takes at least that long
  } models;

  models_catalog catalog; ///< the sections `providers` and `aliases`: in a file only
  safety_config safety;   ///< in a file only

  struct telemetry_section {
    /// A collector's base URL. Empty: as the OTEL_EXPORTER_OTLP_* variables say; `otlp_nowhere`:
    /// nothing is exported.
    std::string otlp_endpoint;
    std::map<std::string, std::string> otel; ///< the variables OTEL_*; no key (otlp_target.hpp)
    /// What Jaeger calls the service; `{node}` stands for node.name. Empty: as OTEL_SERVICE_NAME
    /// says, else "troupe".
    std::string service_name;
    std::string contents = "off";    ///< on: prompts and answers are written to spans
    double sample_ratio = 1.0;       ///< of the traces that begin here without a decision; 0 to 1
    std::string log_level = "info";  ///< debug, info, warning, error, off
    std::string log_format = "auto"; ///< auto (readable on a terminal, otherwise JSON), json, text
    std::filesystem::path log_file;  ///< empty: standard error
    std::uint32_t spans_kept = limits::spans_kept_max;
  } telemetry;

  /// Where each key's value came from, as `show_config` tells: "FILE:LINE", "environment NAME",
  /// "flag". A key that is not here has its default value, or the program set it.
  std::map<std::string, std::string> origins;
};

/// Where values come from; later sources override earlier ones: defaults, the sampler that `OTEL_*`
/// names, file, `TROUPE_*` environment, flags.
struct config_sources {
  std::filesystem::path file;                             ///< empty: none
  std::map<std::string, std::string> environment;         ///< TROUPE_TELEMETRY_OTLP_ENDPOINT=...
  std::vector<std::pair<std::string, std::string>> flags; ///< {"telemetry.otlp_endpoint", "..."}
};

/// The environment of this process, `TROUPE_*` and `OTEL_*` only.
std::map<std::string, std::string> troupe_environment();

/// Reads, merges and checks everything. An unknown key, a wrong type or a value out of range is an
/// error.
config_result<node_config> load_config(const config_sources& sources);

enum class secrets { written, hidden };

/// The merged configuration as YAML that `load_config` reads back, with the origin of each key.
/// With `hidden`, for people: without the passwords that an address may hold.
std::string show_config(const node_config& cfg, secrets how = secrets::written);

/// What such a file cannot hold (paths that are not UTF-8), as arguments: --set KEY=VALUE ...
std::vector<std::string> flags_beside_file(const node_config& cfg);

/// One line per key: name, type, default, what it means. For `troupe config show --keys` and the
/// docs.
std::string describe_config();

} // namespace troupe
