#pragma once

#include "actors/cluster/socket.hpp"
#include "config/base/file_handle.hpp"
#include "config/config.hpp"
#include "messages/errors.hpp"
#include "persistence/file_lock.hpp"

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

/// The data folder of a local cluster. `troupe up` writes it, clients read it:
///
///     lock          held by the supervising process as long as it lives
///     secret        64 hex digits, mode 0600
///     cluster.yaml  name and nodes
///     up.log        the output of a detached `up`
///     supervision   the state of the supervised nodes (nodes/supervision_file.hpp)
///     node-N/       one node: node.yaml, log.jsonl, output.log and its stores
namespace troupe {

/// $XDG_STATE_HOME (if absolute), else ~/.local/state.
std::filesystem::path state_home();

/// $TROUPE_DATA, else `troupe/default` below `state_home()`. Absolute.
std::filesystem::path default_data_folder();

std::filesystem::path secret_path(const std::filesystem::path& data);
std::filesystem::path cluster_file_path(const std::filesystem::path& data);
std::filesystem::path node_folder(const std::filesystem::path& data, std::string_view node_name);

struct cluster_node {
  member_config member;
  std::string http_address;
};

struct cluster_file {
  std::string name = "default";
  std::vector<cluster_node> nodes;
};

/// Reads `cluster.yaml`; returns nothing if there is none. `bad_message`: the file is damaged (the
/// message names file and line). `storage_failed`: it cannot be read.
result<std::optional<cluster_file>> read_cluster_file(const std::filesystem::path& data);
result<void> write_cluster_file(const std::filesystem::path& data, const cluster_file& file);

/// Writes a temporary file with a random name beside `path` and renames it, so readers see either
/// the old or the new text.
result<void> write_file_atomically(const std::filesystem::path& path, std::string_view text,
                                   mode_t mode = 0600);

/// Marks a data folder as in use by this process, as long as what is returned lives. `refused` if
/// another process uses it (its id is in the message).
result<file_lock> take_folder(const std::filesystem::path& data);

/// The process that uses the folder, this one included; nothing if none does.
std::optional<pid_t> lock_holder(const std::filesystem::path& data);

/// Finds loopback ports on which nobody listens. It looks below the range that the system uses for
/// outgoing connections, so that a restarted node finds its port still free.
class port_picker {
public:
  explicit port_picker(std::uint64_t seed) : state_(seed | 1) {}

  /// True once per port, if it can be bound now.
  bool claim(std::uint16_t port);
  /// `overloaded` if no port is free.
  result<std::uint16_t> next();

private:
  std::uint64_t state_;
  std::unordered_set<std::uint16_t> given_;
};

/// The PORT of "127.0.0.1:PORT"; nothing for any other text.
std::optional<std::uint16_t> port_of(std::string_view address);

/// Bytes on disk of the files below `folder`, as far as they can be read.
std::uint64_t folder_bytes(const std::filesystem::path& folder);

} // namespace troupe
