#pragma once

#include "config/base/file_handle.hpp"
#include "persistence/files.hpp"

#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <string>

/// Files and folders that no other user may have laid out.
///
/// In a folder that others may write to, such as /tmp, anybody may be there first: with a folder of
/// the name that we are about to use and a secret in it that he knows, or with a link of the name
/// of our log that leads to a file of ours. So a folder is used only if it belongs to this user (as
/// the kernel's effective user id has it), and if nobody but this user and root can exchange it or
/// any folder above it; a file is opened only as what it is there, not through a link.
///
/// Errors are `storage_failed`, with what is wrong, where, and what to do.
namespace troupe {

/// Looks at the folder and at all above it, through links, as far as they are there. Those above
/// may belong to root, and be writable by all where only owners may remove entries (the sticky
/// bit).
result<void> check_own_folder(const std::filesystem::path& folder);

/// Looks at the folders and links on the way to a file. All may be root's too: secrets that an
/// administrator gave.
result<void> check_trusted_way(const std::filesystem::path& file);

/// Makes the folder with mode 0700, and those above it, and checks it.
result<void> make_own_folder(const std::filesystem::path& folder);

/// Opens a regular file of this user: no link is followed, no pipe waited for. `flags` as for
/// open(2). A missing file is `not_found` unless it is to be created.
result<file_handle> open_own_file(const std::filesystem::path& path, int flags, mode_t mode = 0600);

/// The whole of such a file; nothing if there is none.
result<std::optional<std::string>> read_own_file(const std::filesystem::path& path,
                                                 std::size_t bytes_max);

/// Refuses a path on whose way another user has put a link into a folder that all may write to: the
/// kernel's own rule (fs.protected_symlinks), which not all systems turn on and which does not hold
/// for who resolves links himself.
result<void> check_links(const std::filesystem::path& path);

} // namespace troupe
