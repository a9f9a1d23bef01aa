#include "persistence/file_lock.hpp"

#include "persistence/files.hpp"
#include "persistence/own_files.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <mutex>
#include <set>

namespace troupe {

namespace fs = std::filesystem;

namespace {

struct flock whole_file(short kind) {
  struct flock wanted {};
  wanted.l_type = kind;
  wanted.l_whence = SEEK_SET;
  return wanted;
}

/// The lock files that this process holds.
class held_locks {
public:
  static held_locks& of_this_process() {
    static held_locks all;
    return all;
  }

  bool contains(const fs::path& file) {
    std::lock_guard guard{mutex_};
    return files_.contains(key(file));
  }

  /// Listed as long as what is returned lives.
  std::shared_ptr<const void> add(const fs::path& file) {
    std::lock_guard guard{mutex_};
    files_.insert(key(file));
    return {this, [this, listed = key(file)](const void*) {
              std::lock_guard remover{mutex_};
              files_.erase(listed);
            }};
  }

private:
  static fs::path key(const fs::path& file) {
    std::error_code ignored;
    return fs::weakly_canonical(file, ignored);
  }

  std::mutex mutex_;
  std::set<fs::path> files_;
};

} // namespace

result<std::optional<file_lock>> file_lock::take(const fs::path& file) {
  if (held_locks::of_this_process().contains(file))
    return std::optional<file_lock>{};
  auto opened = open_own_file(file, O_RDWR | O_CREAT);
  if (!opened)
    return unexpected{std::move(opened).error()};
  auto fd = *std::move(opened);
  auto wanted = whole_file(F_WRLCK);
  if (::fcntl(fd.get(), F_SETLK, &wanted) == 0)
    return std::optional{file_lock{held_locks::of_this_process().add(file), std::move(fd)}};
  if (errno == EACCES || errno == EAGAIN)
    return std::optional<file_lock>{};
  return unexpected{file_failure("locking", file, errno)};
}

std::optional<pid_t> file_lock::holder(const fs::path& file) {
  if (held_locks::of_this_process().contains(file))
    return ::getpid();
  auto opened = open_own_file(file, O_RDWR);
  if (!opened)
    return std::nullopt;
  auto asked = whole_file(F_WRLCK);
  if (::fcntl(opened->get(), F_GETLK, &asked) != 0 || asked.l_type == F_UNLCK)
    return std::nullopt;
  return asked.l_pid;
}

bool wait_for_lock(const file_handle& file, short kind) {
  auto wanted = whole_file(kind);
  while (::fcntl(file.get(), F_SETLKW, &wanted) != 0)
    if (errno != EINTR)
      return false;
  return true;
}

} // namespace troupe
