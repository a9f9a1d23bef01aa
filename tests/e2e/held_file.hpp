#pragma once

#include <filesystem>

namespace troupe::tests {

/// A file that nobody else can open: their open(2) waits until it is let go, at most for
/// /proc/sys/fs/lease-break-time (45 s). A write lease of fcntl(2).
class held_file {
public:
  /// Throws std::runtime_error if somebody has it open, or the file system has no leases.
  explicit held_file(const std::filesystem::path& path);
  ~held_file() { let_go(); }
  held_file(const held_file&) = delete;
  held_file& operator=(const held_file&) = delete;

  void let_go();

private:
  int file_ = -1;
};

} // namespace troupe::tests
