#pragma once

#include "config/config.hpp"
#include "messages/errors.hpp"
#include "persistence/file_lock.hpp"

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
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

/// Bytes on disk of the files below `folder`, as far as they can be read.
std::uint64_t folder_bytes(const std::filesystem::path& folder);

} // namespace troupe
