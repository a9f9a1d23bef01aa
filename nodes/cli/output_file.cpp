#include "nodes/cli/output_file.hpp"

#include "actors/cluster/socket.hpp"
#include "nodes/cluster_files.hpp"
#include "persistence/own_files.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>

namespace troupe::cli {

namespace fs = std::filesystem;

namespace {

unexpected<failure> cannot_write(const fs::path& path, const std::string& why) {
  return fail(ec::storage_failed, "cannot write " + path.string() + ": " + why);
}

} // namespace

result<output_file> output_file::prepare(const fs::path& path) {
  // Links are resolved here, so the kernel's protection of folders for all does not hold.
  if (auto links = check_links(path); !links)
    return cannot_write(path, links.error().message);
  std::error_code error;
  auto settled = fs::weakly_canonical(fs::absolute(path), error);
  if (error)
    return cannot_write(path, error.message());
  auto what = fs::status(settled, error);
  if (fs::is_directory(what))
    return cannot_write(path, "it is a folder");
  if (fs::exists(what) && !fs::is_regular_file(what)) {
    struct stat about {};
    if (::stat(settled.c_str(), &about) == 0 && about.st_uid != ::geteuid() && about.st_uid != 0
        && !S_ISCHR(about.st_mode))
      return cannot_write(path, "it is a pipe of another user");
    return output_file{settled, false};
  }
  auto probe = (settled.parent_path() / ".troupe-XXXXXX").string();
  unique_fd fd{::mkostemp(probe.data(), O_CLOEXEC)};
  if (!fd)
    return cannot_write(path, std::strerror(errno));
  ::unlink(probe.c_str());
  return output_file{settled, true};
}

result<void> output_file::write(std::string_view text) const {
  if (replace_)
    return write_file_atomically(path_, text, 0644); // a report, for those whom the umask lets
  unique_fd fd{::open(path_.c_str(), O_WRONLY | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY)};
  while (fd && !text.empty()) {
    auto written = ::write(fd.get(), text.data(), text.size());
    if (written < 0 && errno != EINTR)
      return cannot_write(path_, std::strerror(errno));
    text.remove_prefix(static_cast<std::size_t>(std::max<ssize_t>(written, 0)));
  }
  return fd ? result<void>{} : cannot_write(path_, std::strerror(errno));
}

} // namespace troupe::cli
