#include "telemetry/process_figures.hpp"

#include <dirent.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <fcntl.h>

namespace troupe {

namespace {

/// Up to `size - 1` bytes of a small file, zero-terminated; false if it cannot be read.
bool read_small_file(const char* path, char* buffer, std::size_t size) {
  int fd = ::open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return false;
  auto got = ::read(fd, buffer, size - 1);
  ::close(fd);
  if (got <= 0)
    return false;
  buffer[got] = '\0';
  return true;
}

std::optional<std::uint64_t> resident_bytes() {
  char text[128];
  unsigned long long total_pages = 0, resident_pages = 0;
  if (!read_small_file("/proc/self/statm", text, sizeof text)
      || std::sscanf(text, "%llu %llu", &total_pages, &resident_pages) != 2)
    return std::nullopt;
  return resident_pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

std::optional<std::uint64_t> open_fds() {
  auto folder = ::opendir("/proc/self/fd");
  if (!folder)
    return std::nullopt;
  std::uint64_t count = 0;
  while (auto entry = ::readdir(folder))
    if (entry->d_name[0] != '.')
      ++count;
  ::closedir(folder);
  return count - 1; // the folder itself was open
}

/// Field 22 of /proc/self/stat: clock ticks after boot at which the process started.
double start_seconds() {
  char text[1024];
  if (!read_small_file("/proc/self/stat", text, sizeof text))
    return 0;
  const char* after_name = std::strrchr(text, ')'); // the name in brackets may hold anything
  unsigned long long ticks = 0;
  if (!after_name
      || std::sscanf(
             after_name + 1,
             " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu",
             &ticks)
             != 1)
    return 0;
  timespec now{}, since_boot{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  ::clock_gettime(CLOCK_BOOTTIME, &since_boot);
  auto seconds = [](const timespec& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) / 1e9;
  };
  auto started = static_cast<double>(ticks) / static_cast<double>(::sysconf(_SC_CLK_TCK));
  return seconds(now) - seconds(since_boot) + started;
}

} // namespace

process_figures read_process_figures() {
  process_figures figures;
  figures.resident_bytes = resident_bytes();
  figures.open_fds = open_fds();
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  figures.cpu_seconds = seconds(usage.ru_utime) + seconds(usage.ru_stime);
  static const double started = start_seconds(); // does not change, even if the wall clock does
  figures.start_seconds = started;
  return figures;
}

} // namespace troupe
