#pragma once

#include "config/base/file_handle.hpp"
#include "config/limits/storage.hpp"
#include "messages/errors.hpp"

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

/// Files that survive a crash: every write here is on disk when the call returns, and a reader sees
/// either the old file or the new one. Errors are `storage_failed` with the path and the system's
/// message; a failed sync is `outcome_unknown`.
namespace troupe {

/// The words of `errno`, for messages: "DOING PATH: No space left on device".
failure file_failure(std::string_view doing, const std::filesystem::path& path, int error_number);

/// Opens for reading or writing; started programs never inherit the descriptor. On failure, the
/// handle holds -1 and `errno` is set.
file_handle open_file(const std::filesystem::path& path, int flags, mode_t mode = 0600);

/// Nothing if there is no such file; `storage_failed` if it is longer than `bytes_max`.
result<std::optional<std::string>> read_file(const std::filesystem::path& path,
                                             std::size_t bytes_max);

/// The whole of a file that is open; `path` for messages.
result<std::string> read_whole(const file_handle& file, const std::filesystem::path& path,
                               std::size_t bytes_max);

/// Reads until `size` bytes are there or the file ends. On failure: nothing, and `errno` is set.
std::optional<std::size_t> read_up_to(int fd, char* to, std::size_t size);

/// Writes a file that is only ours and syncs it: an existing entry of that name (left by a crash,
/// or planted) is removed, not written to. On failure the file is removed again. Its name is
/// durable once its folder is synced.
result<void> write_synced(const std::filesystem::path& path, std::string_view bytes,
                          mode_t mode = 0600);

/// Writes `temporary`, syncs it, renames it to `path` and syncs the folder. Both must be in one
/// file system. An existing `temporary` is removed, and no link is followed. On failure `temporary`
/// is gone and `path` is unchanged (or new, if only the sync of the folder failed).
result<void> replace_file(const std::filesystem::path& path, const std::filesystem::path& temporary,
                          std::string_view bytes, mode_t mode = 0600);

/// The same, with a temporary file of a random name beside `path`, for folders that others may
/// write to. A crash may leave it behind.
result<void> replace_file(const std::filesystem::path& path, std::string_view bytes, mode_t mode);

/// Like `replace_file`, but an existing `path` is left alone: false.
result<bool> create_file(const std::filesystem::path& path, const std::filesystem::path& temporary,
                         std::string_view bytes, mode_t mode = 0600);

/// Makes the folder and those above it, each entry synced.
result<void> make_folder(const std::filesystem::path& folder);

/// Makes the entries of `folder` durable.
result<void> sync_folder(const std::filesystem::path& folder);

/// Bytes that may still be written where `folder` is.
using free_space_source = std::function<result<std::uint64_t>(const std::filesystem::path& folder)>;
result<std::uint64_t> free_disk_bytes(const std::filesystem::path& folder);

/// `storage_failed` if writing `bytes` would leave less than `least`.
result<void> check_free_space(const free_space_source& free_space,
                              const std::filesystem::path& folder, std::uint64_t bytes,
                              std::uint64_t least = limits::disk_free_bytes_min);

} // namespace troupe
