#include "nodes/cli/document_file.hpp"

#include "actors/cluster/socket.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace troupe::cli {

namespace {

/// If there is no regular file, the result has no descriptor and errno is set. The name may have
/// become a pipe since the caller looked at it.
file_handle open_regular(const std::filesystem::path& path, struct stat& about) {
  file_handle fd{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)};
  if (fd && ::fstat(fd.get(), &about) == 0 && S_ISREG(about.st_mode))
    return fd;
  if (fd)
    errno = EINVAL;
  return file_handle{};
}

/// Reads up to `bytes_max` bytes. Returns false and sets errno if that fails.
bool read_piece(int fd, std::size_t bytes_max, std::string& into) {
  into.resize(bytes_max);
  std::size_t filled = 0;
  while (filled < bytes_max) {
    auto got = ::read(fd, into.data() + filled, bytes_max - filled);
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0)
      return false;
    if (got == 0)
      break;
    filled += static_cast<std::size_t>(got);
  }
  into.resize(filled);
  return true;
}

} // namespace

bool read_beginning(const std::filesystem::path& path, std::size_t bytes_max, std::string& into) {
  struct stat about {};
  auto fd = open_regular(path, about);
  return fd && read_piece(fd.get(), bytes_max, into);
}

result<std::string> read_regular_file(const std::filesystem::path& path, std::size_t bytes_max) {
  struct stat about {};
  auto fd = open_regular(path, about);
  if (!fd)
    return fail(ec::invalid_argument, std::string("cannot be read: ") + std::strerror(errno));
  auto size = static_cast<std::uint64_t>(about.st_size);
  if (size > bytes_max)
    return fail(ec::too_large, "is too large (it has grown)");
  std::string bytes;
  if (!read_piece(fd.get(), static_cast<std::size_t>(size), bytes))
    return fail(ec::invalid_argument, std::string("cannot be read: ") + std::strerror(errno));
  return bytes;
}

} // namespace troupe::cli
