#include "nodes/cli/trace_ids.hpp"

#include "actors/cluster/socket.hpp"
#include "nodes/cluster_files.hpp"
#include "telemetry/traceparent.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/random.h>
#include <unistd.h>

#include <sstream>
#include <system_error>
#include <vector>

namespace troupe::cli {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t folders_remembered_max = 64;
constexpr std::size_t file_bytes_max = 256 * 1024;

fs::path memory_path() { return state_home() / "troupe" / "last-trace"; }

struct entry {
  std::string trace;
  std::string data;
};

/// Lines of "TRACE FOLDER", the last used one first.
std::vector<entry> read_entries(int fd) {
  std::string text(file_bytes_max, '\0');
  auto got = ::pread(fd, text.data(), text.size(), 0);
  text.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  std::istringstream lines(text);
  std::vector<entry> all;
  for (entry next; lines >> next.trace && std::getline(lines >> std::ws, next.data);)
    all.push_back(next);
  return all;
}

} // namespace

trace_context new_trace(const char* traceparent) {
  if (traceparent)
    if (auto given = parse_traceparent(traceparent))
      return *given;
  trace_context made;
  made.flags = trace_context::flag_undecided;
  while (!made.trace)
    if (::getrandom(&made.trace, sizeof made.trace, 0) != static_cast<ssize_t>(sizeof made.trace))
      made.trace = {};
  return made;
}

void remember_trace(const fs::path& data, trace_id trace) {
  auto path = memory_path();
  std::error_code ignored;
  fs::create_directories(path.parent_path(), ignored);
  unique_fd fd{::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)};
  if (!fd || ::flock(fd.get(), LOCK_EX) != 0)
    return;
  auto text = to_string(trace) + " " + data.string() + "\n";
  std::size_t kept = 1;
  for (const auto& old : read_entries(fd.get()))
    if (old.data != data.string() && kept++ < folders_remembered_max)
      text += old.trace + " " + old.data + "\n";
  auto written = ::pwrite(fd.get(), text.data(), text.size(), 0);
  if (written >= 0) [[maybe_unused]]
    auto cut = ::ftruncate(fd.get(), written);
}

std::optional<trace_id> last_trace(const fs::path& data) {
  unique_fd fd{::open(memory_path().c_str(), O_RDONLY | O_CLOEXEC)};
  if (!fd || ::flock(fd.get(), LOCK_SH) != 0)
    return std::nullopt;
  for (const auto& each : read_entries(fd.get()))
    if (each.data == data.string())
      return parse_id128<trace_id>(each.trace);
  return std::nullopt;
}

} // namespace troupe::cli
