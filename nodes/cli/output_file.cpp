#include "nodes/cli/output_file.hpp"

#include "actors/cluster/socket.hpp"
#include "nodes/cluster_files.hpp"

#include <fcntl.h>
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
  std::error_code error;
  auto settled = fs::weakly_canonical(fs::absolute(path), error);
  if (error)
    return cannot_write(path, error.message());
  auto what = fs::status(settled, error);
  if (fs::is_directory(what))
    return cannot_write(path, "it is a folder");
  if (fs::exists(what) && !fs::is_regular_file(what))
    return output_file{settled, false};
  auto probe = (settled.parent_path() / ".troupe-XXXXXX").string();
  unique_fd fd{::mkostemp(probe.data(), O_CLOEXEC)};
  if (!fd)
    return cannot_write(path, std::strerror(errno));
  ::unlink(probe.c_str());
  return output_file{settled, true};
}

result<void> output_file::write(std::string_view text) const {
  if (replace_)
    return write_file_atomically(path_, text);
  unique_fd fd{::open(path_.c_str(), O_WRONLY | O_CLOEXEC)};
  while (fd && !text.empty()) {
    auto written = ::write(fd.get(), text.data(), text.size());
    if (written < 0 && errno != EINTR)
      return cannot_write(path_, std::strerror(errno));
    text.remove_prefix(static_cast<std::size_t>(std::max<ssize_t>(written, 0)));
  }
  return fd ? result<void>{} : cannot_write(path_, std::strerror(errno));
}

} // namespace troupe::cli
