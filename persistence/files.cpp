#include "persistence/files.hpp"

#include "config/base/hex.hpp"
#include "config/base/random.hpp"
#include "config/limits/storage.hpp"
#include "config/limits/units.hpp"
#include "messages/ids.hpp"

#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>

namespace troupe {

namespace {

unexpected<failure> failed(std::string_view doing, const std::filesystem::path& path) {
  return {file_failure(doing, path, errno)};
}

bool write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    auto written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR)
      continue;
    if (written <= 0)
      return false;
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

} // namespace

failure file_failure(std::string_view doing, const std::filesystem::path& path, int error_number) {
  return {ec::storage_failed, std::string(doing) + " " + path.string() + ": "
                                  + std::generic_category().message(error_number)};
}

file_handle open_file(const std::filesystem::path& path, int flags, mode_t mode) {
  int fd = -1;
  do {
    fd = ::open(path.c_str(), flags | O_CLOEXEC, mode);
  } while (fd < 0 && errno == EINTR);
  return file_handle(fd);
}

std::optional<std::size_t> read_up_to(int fd, char* to, std::size_t size) {
  std::size_t filled = 0;
  while (filled < size) {
    auto got = ::read(fd, to + filled, size - filled);
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0)
      return std::nullopt;
    if (got == 0)
      break;
    filled += static_cast<std::size_t>(got);
  }
  return filled;
}

result<std::optional<std::string>> read_file(const std::filesystem::path& path,
                                             std::size_t bytes_max) {
  auto file = open_file(path, O_RDONLY);
  if (!file) {
    if (errno == ENOENT)
      return std::optional<std::string>{};
    return failed("opening", path);
  }
  auto bytes = read_whole(file, path, bytes_max);
  if (!bytes)
    return unexpected{std::move(bytes).error()};
  return std::optional{*std::move(bytes)};
}

result<std::string> read_whole(const file_handle& file, const std::filesystem::path& path,
                               std::size_t bytes_max) {
  struct stat about;
  if (::fstat(file.get(), &about) != 0)
    return failed("reading", path);
  auto size = static_cast<std::uint64_t>(about.st_size);
  if (size > bytes_max)
    return fail(ec::storage_failed, path.string() + " has " + std::to_string(size)
                                        + " bytes, more than the " + std::to_string(bytes_max)
                                        + " it may have");
  std::string bytes(size, '\0');
  auto filled = read_up_to(file.get(), bytes.data(), size);
  if (!filled)
    return failed("reading", path);
  bytes.resize(*filled); // less if it was cut while we read it
  return bytes;
}

result<void> write_synced(const std::filesystem::path& path, std::string_view bytes, mode_t mode) {
  constexpr int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW;
  auto file = open_file(path, flags, mode);
  if (!file && errno == EEXIST && ::unlink(path.c_str()) == 0)
    file = open_file(path, flags, mode);
  if (!file)
    return failed("creating", path);
  if (!write_all(file.get(), bytes)) {
    auto why = failed("writing", path);
    ::unlink(path.c_str());
    return why;
  }
  if (::fsync(file.get()) != 0) {
    auto why = file_failure("syncing", path, errno);
    ::unlink(path.c_str());
    return fail(ec::outcome_unknown, std::move(why.message));
  }
  return {};
}

result<void> replace_file(const std::filesystem::path& path, const std::filesystem::path& temporary,
                          std::string_view bytes, mode_t mode) {
  if (auto written = write_synced(temporary, bytes, mode); !written)
    return written;
  if (::rename(temporary.c_str(), path.c_str()) != 0) {
    auto why = failed("renaming to", path);
    ::unlink(temporary.c_str());
    return why;
  }
  return sync_folder(path.parent_path());
}

result<void> replace_file(const std::filesystem::path& path, std::string_view bytes, mode_t mode) {
  auto temporary = path.parent_path() / (".troupe-" + to_hex(random_bits()) + ".tmp");
  return replace_file(path, temporary, bytes, mode);
}

result<bool> create_file(const std::filesystem::path& path, const std::filesystem::path& temporary,
                         std::string_view bytes, mode_t mode) {
  if (auto written = write_synced(temporary, bytes, mode); !written)
    return unexpected{std::move(written).error()};
  auto linked = ::link(temporary.c_str(), path.c_str()) == 0;
  auto error_number = errno;
  ::unlink(temporary.c_str());
  if (!linked && error_number == EEXIST)
    return false;
  if (!linked)
    return unexpected{file_failure("creating", path, error_number)};
  if (auto synced = sync_folder(path.parent_path()); !synced)
    return unexpected{std::move(synced).error()};
  return true;
}

result<void> make_folder(const std::filesystem::path& folder) {
  if (folder.empty())
    return {};
  std::error_code error;
  if (std::filesystem::is_directory(folder, error))
    return {};
  auto above = folder.parent_path();
  if (above != folder)
    if (auto made = make_folder(above); !made)
      return made;
  if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST)
    return failed("making the folder", folder);
  if (!std::filesystem::is_directory(folder, error))
    return unexpected{file_failure("making the folder", folder, ENOTDIR)};
  return sync_folder(above);
}

result<void> sync_folder(const std::filesystem::path& folder) {
  auto path = folder.empty() ? std::filesystem::path(".") : folder;
  auto handle = open_file(path, O_RDONLY | O_DIRECTORY);
  if (!handle)
    return failed("opening the folder", path);
  if (::fsync(handle.get()) != 0)
    return fail(ec::outcome_unknown, file_failure("syncing the folder", path, errno).message);
  return {};
}

result<std::uint64_t> free_disk_bytes(const std::filesystem::path& folder) {
  struct statvfs about;
  if (::statvfs(folder.c_str(), &about) != 0)
    return failed("asking for the free space of", folder);
  return static_cast<std::uint64_t>(about.f_bavail) * about.f_frsize;
}

result<void> check_free_space(const free_space_source& free_space,
                              const std::filesystem::path& folder, std::uint64_t bytes,
                              std::uint64_t least) {
  auto there = free_space(folder);
  if (!there)
    return unexpected{std::move(there).error()};
  if (*there >= least + bytes)
    return {};
  return fail(ec::storage_failed,
              "the disk of " + folder.string() + " is full: " + std::to_string(*there / limits::mib)
                  + " MiB free, at least " + std::to_string((least + bytes) / limits::mib)
                  + " MiB are needed");
}

} // namespace troupe
