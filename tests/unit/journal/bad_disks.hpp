#pragma once

#include "tests/support/disk/unreliable_disk.hpp"
#include "tests/unit/persistence/temporary_folder.hpp"

#include <gtest/gtest.h>
#include <rocksdb/options.h>
#include <sys/resource.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <system_error>
#include <vector>

namespace troupe {

/// Files are written and merged all the time.
inline void make_small(rocksdb::Options& options) {
  options.write_buffer_size = 48 << 10;
  options.arena_block_size = 4 << 10;
  options.target_file_size_base = 64 << 10;
  options.max_bytes_for_level_base = 128 << 10;
  options.max_total_wal_size = 96 << 10;
}

/// A folder for a store on a disk that loses its power or fails.
class stores_on_bad_disks : public with_folder {
protected:
  void SetUp() override {
    // In memory where that can be had: nothing here depends on a real disk.
    std::error_code error;
    auto base = std::filesystem::is_directory("/dev/shm", error)
                    ? std::filesystem::path{"/dev/shm"}
                    : std::filesystem::temp_directory_path();
    auto pattern = (base / "troupe-test-XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder = pattern;
    rlimit files{}; // those of a store that failed stay open, and thousands of seeds fail many
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &files), 0);
    files.rlim_cur = files.rlim_max;
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &files), 0);
  }

  /// It stays: a store that failed is never closed, and its database may still use it.
  static unreliable_disk& new_disk(unreliable_disk::end how, std::uint64_t at) {
    static std::vector<std::unique_ptr<unreliable_disk>> disks;
    return *disks.emplace_back(std::make_unique<unreliable_disk>(how, at));
  }

  static std::uint64_t seeds(std::uint64_t usual) {
    auto wanted = std::getenv("TROUPE_JOURNAL_SEEDS");
    return wanted ? std::strtoull(wanted, nullptr, 10) : usual;
  }
};

} // namespace troupe
