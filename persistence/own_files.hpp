#pragma once

#include "config/base/file_handle.hpp"
#include "persistence/files.hpp"

#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <string>

/// Files and folders that no other user can have planted.
///
/// In a folder that others may write to, such as /tmp, anybody may be there first: with a folder
/// that has the name we are about to use and holds a secret they know, or with a link that has the
/// name of our log and leads to a file of ours. So a folder is used only if it belongs to this user
/// (the kernel's effective user id) and if only this user and root can exchange it or any folder
/// above it. A file is opened only directly, not through a link.
///
/// Errors are `storage_failed`, with what is wrong, where, and what to do.
namespace troupe {

/// Checks the folder and all folders above it, through links, as far as they exist. Those above may
/// belong to root, and may be writable by all if only owners may remove entries (the sticky bit).
result<void> check_own_folder(const std::filesystem::path& folder);

/// Checks the folders and links on the way to a file. All of them may belong to root too, for
/// secrets that an administrator provides.
result<void> check_trusted_way(const std::filesystem::path& file);

/// Makes the folder with mode 0700, and those above it, and checks it.
result<void> make_own_folder(const std::filesystem::path& folder);

/// Opens a regular file of this user: it follows no link and waits for no pipe. `flags` as for
/// open(2). A missing file is `not_found`, unless it should be created.
result<file_handle> open_own_file(const std::filesystem::path& path, int flags, mode_t mode = 0600);

/// The whole of such a file; nothing if there is no file.
result<std::optional<std::string>> read_own_file(const std::filesystem::path& path,
                                                 std::size_t bytes_max);

/// Refuses a path if another user has put a link on its way, in a folder that all may write to.
/// This is the kernel's own rule (fs.protected_symlinks), but not all systems turn it on, and it
/// does not protect code that resolves links itself.
result<void> check_links(const std::filesystem::path& path);

} // namespace troupe
