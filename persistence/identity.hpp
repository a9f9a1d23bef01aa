#pragma once

#include "messages/errors.hpp"
#include "messages/ids.hpp"
#include "persistence/file_lock.hpp"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace troupe {

/// The identity of the node in a data folder. Holds the folder: no second process gets it while
/// this object lives.
struct node_identity {
  node_id id;
  std::uint64_t incarnation = 0; ///< how often the node was started, this time included
  bool has_stores = false;  ///< its stores were made: from then on, a folder without them lost them
  bool has_journal = false; ///< the same for its journal, which the first version did not have
  std::optional<file_lock> lock;
};

/// Makes `folder` if it is missing, takes `folder/lock`, and counts this start in
/// `folder/identity`, on disk before it returns. A new node gets the given id, or a random UUID if
/// `id_hex_or_empty` is empty.
///
/// Errors: `refused` (another process works in the folder), `invalid_argument` (the folder belongs
/// to another id, or the id is malformed), `bad_message` (the file is damaged), `storage_failed`.
result<node_identity> open_identity(const std::filesystem::path& folder,
                                    std::string_view id_hex_or_empty,
                                    const std::function<std::uint64_t()>& random);

/// Notes on disk that the stores of this node were made. Then a disk that is not mounted at the
/// next start is not taken for a new one.
result<void> note_stores(const std::filesystem::path& folder, node_identity& known);

/// The secret that the nodes of a cluster and their clients share: 64 hex digits in a file of mode
/// 0600, made from the system's random numbers if there is none. If several processes make it at
/// once, all get the same secret. `refused`: others may read the file. `bad_message`: it holds
/// something else.
result<std::string> load_or_create_secret(const std::filesystem::path& path);

/// As above, but a missing file is `not_found`: for clients.
result<std::string> load_secret(const std::filesystem::path& path);

} // namespace troupe
