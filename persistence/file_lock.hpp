#pragma once

#include "config/base/file_handle.hpp"
#include "messages/errors.hpp"

#include <sys/types.h>

#include <filesystem>
#include <memory>
#include <optional>
#include <utility>

namespace troupe {

/// Keeps other processes out, and other parts of this process, as long as this object lives: an
/// exclusive POSIX record lock on a whole file. The kernel gives it back however the process ends,
/// and tells who holds it.
///
/// A process that closes any descriptor of a file loses its locks on that file. So a file that is
/// locked here is opened here only, and never while this process holds its lock. Any thread.
class file_lock {
public:
  /// Makes the file if it is missing. Nothing: somebody holds its lock.
  static result<std::optional<file_lock>> take(const std::filesystem::path& file);

  /// The process that holds the lock, this one included; nothing if nobody does.
  static std::optional<pid_t> holder(const std::filesystem::path& file);

private:
  file_lock(std::shared_ptr<const void> listed, file_handle fd)
      : listed_(std::move(listed)), fd_(std::move(fd)) {}

  std::shared_ptr<const void> listed_; ///< among those that this process holds
  file_handle fd_;                     ///< closed first: closing it later would end another's lock
};

/// For a file that is opened for a moment: waits until nobody writes it (`F_RDLCK`), or until it is
/// ours alone (`F_WRLCK`). The lock ends when the file is closed. False: it cannot be locked.
bool wait_for_lock(const file_handle& file, short kind);

} // namespace troupe
