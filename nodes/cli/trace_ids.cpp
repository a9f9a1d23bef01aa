#include "nodes/cli/trace_ids.hpp"

#include "config/base/hex.hpp"
#include "config/base/random.hpp"
#include "nodes/cluster_files.hpp"
#include "persistence/file_lock.hpp"
#include "persistence/own_files.hpp"
#include "telemetry/traceparent.hpp"

#include <fcntl.h>
#include <sys/random.h>
#include <unistd.h>

#include <sstream>
#include <vector>

namespace troupe::cli {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t folders_remembered_max = 64;
constexpr std::size_t file_bytes_max = 256 * 1024;

fs::path memory_path() { return state_home() / "troupe" / "last-trace"; }

/// A folder as a field of a line. Its name may contain any byte, so bytes that end a line or a
/// field are written as %XX, and so is the percent sign itself.
std::string folder_text(const fs::path& data) {
  std::string text;
  for (char c : data.string()) {
    auto byte = static_cast<unsigned char>(c);
    if (byte > 0x20 && byte != 0x7f && c != '%')
      text += c;
    else
      append_hex(text += '%', byte);
  }
  return text;
}

struct entry {
  std::string trace;
  std::string data;
};

/// Lines of "TRACE FOLDER", the most recently used one first.
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
    made.trace = {random_bits(), random_bits()};
  return made;
}

void remember_trace(const fs::path& data, trace_id trace) {
  auto path = memory_path();
  auto folder = folder_text(data);
  if (!make_own_folder(path.parent_path()))
    return;
  auto file = open_own_file(path, O_RDWR | O_CREAT);
  if (!file || !wait_for_lock(*file, F_WRLCK))
    return;
  auto text = to_string(trace) + " " + folder + "\n";
  std::size_t kept = 1;
  for (const auto& old : read_entries(file->get()))
    if (old.data != folder && kept++ < folders_remembered_max)
      text += old.trace + " " + old.data + "\n";
  auto written = ::pwrite(file->get(), text.data(), text.size(), 0);
  if (written >= 0) [[maybe_unused]]
    auto cut = ::ftruncate(file->get(), written);
}

std::optional<trace_id> last_trace(const fs::path& data) {
  auto file = open_own_file(memory_path(), O_RDONLY);
  if (!file || !wait_for_lock(*file, F_RDLCK))
    return std::nullopt;
  auto folder = folder_text(data);
  for (const auto& each : read_entries(file->get()))
    if (each.data == folder)
      return parse_id128<trace_id>(each.trace);
  return std::nullopt;
}

} // namespace troupe::cli
