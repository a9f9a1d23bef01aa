#include "nodes/cli/output_file.hpp"

#include "actors/cluster/socket.hpp"
#include "nodes/cluster_files.hpp"
#include "persistence/own_files.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>

namespace troupe::cli {

namespace fs = std::filesystem;

namespace {

unexpected<failure> cannot_write(const fs::path& path, const std::string& why) {
  return fail(ec::storage_failed, "cannot write " + path.string() + ": " + why);
}

/// Follows links to their end, which need not exist yet. The text of a link that the kernel makes
/// for an open pipe is not a path.
result<fs::path> follow_links(const fs::path& path) {
  constexpr int links_max = 40; // the kernel's limit
  auto at = fs::absolute(path);
  std::error_code error;
  for (int followed = 0; fs::is_symlink(fs::symlink_status(at, error)); ++followed) {
    if (followed == links_max)
      return cannot_write(path, std::strerror(ELOOP));
    auto next = fs::read_symlink(at, error);
    if (error)
      return cannot_write(path, error.message());
    at = at.parent_path() / next;
  }
  auto settled = fs::weakly_canonical(at, error);
  if (error)
    return cannot_write(path, error.message());
  return settled;
}

} // namespace

result<output_file> output_file::prepare(const fs::path& path) {
  // Links are resolved here, so the kernel's protection of world-writable folders does not apply.
  if (auto links = check_links(path); !links)
    return cannot_write(path, links.error().message);
  output_file made;
  made.shown_ = path;
  struct stat about {};
  bool exists = ::stat(path.c_str(), &about) == 0;
  if (exists && S_ISDIR(about.st_mode))
    return cannot_write(path, "it is a folder");
  if (exists && !S_ISREG(about.st_mode)) {
    if (about.st_uid != ::geteuid() && about.st_uid != 0 && !S_ISCHR(about.st_mode))
      return cannot_write(path, "it is a pipe of another user");
    made.path_ = path;
    made.special_ = special{about.st_dev, about.st_ino};
    return made;
  }
  if (exists)
    made.mode_ = about.st_mode & 0777;
  auto settled = follow_links(path);
  if (!settled)
    return unexpected{std::move(settled).error()};
  made.path_ = std::move(*settled);
  auto probe = (made.path_.parent_path() / ".troupe-XXXXXX").string();
  file_handle fd{::mkostemp(probe.data(), O_CLOEXEC)};
  if (!fd)
    return cannot_write(path, std::strerror(errno));
  ::unlink(probe.c_str());
  return made;
}

result<void> output_file::write(std::string_view text) const {
  if (special_)
    return write_special(text);
  auto written = write_file_atomically(path_, text, mode_);
  return written ? result<void>{} : cannot_write(shown_, written.error().message);
}

result<void> output_file::write_special(std::string_view text) const {
  file_handle fd{::open(path_.c_str(), O_WRONLY | O_CLOEXEC | O_NOCTTY)}; // waits for a reader
  if (!fd)
    return cannot_write(shown_, std::strerror(errno));
  struct stat about {};
  if (::fstat(fd.get(), &about) != 0 || about.st_dev != special_->device
      || about.st_ino != special_->number)
    return cannot_write(shown_, "another file has taken its place");
  while (!text.empty()) {
    auto written = ::write(fd.get(), text.data(), text.size());
    if (written < 0 && errno != EINTR)
      return cannot_write(shown_, std::strerror(errno));
    text.remove_prefix(static_cast<std::size_t>(std::max<ssize_t>(written, 0)));
  }
  return {};
}

} // namespace troupe::cli
