#pragma once

#include "tests/bench/report.hpp"

#include <rocksdb/db.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace troupe::bench {

/// A folder that goes with this object.
class temporary_folder {
public:
  temporary_folder() {
    auto pattern = (std::filesystem::temp_directory_path() / "troupe-bench-XXXXXX").string();
    if (!::mkdtemp(pattern.data()))
      throw std::runtime_error("no folder for files");
    path_ = pattern;
  }
  ~temporary_folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  temporary_folder(const temporary_folder&) = delete;
  temporary_folder& operator=(const temporary_folder&) = delete;

  const std::filesystem::path& path() const { return path_; }

private:
  std::filesystem::path path_;
};

/// Calls `write(thread)` from so many threads, each so often. Returns calls a second.
template <class Write>
double rate_of(unsigned threads_count, unsigned each, Write write) {
  auto begun = std::chrono::steady_clock::now();
  std::vector<std::jthread> threads;
  for (unsigned i = 0; i < threads_count; ++i)
    threads.emplace_back([&, i] {
      for (unsigned n = 0; n < each; ++n)
        write(i);
    });
  threads.clear();
  return threads_count * each / seconds_since(begun);
}

/// What the disk can do: RocksDB, whose threads wait each for its own synced put. It gathers their
/// writes itself. Returns puts a second.
inline double synced_puts(unsigned writers, unsigned each, const std::string& value) {
  temporary_folder folder;
  rocksdb::DB* raw = nullptr;
  rocksdb::Options options;
  options.create_if_missing = true;
  if (!rocksdb::DB::Open(options, folder.path().string(), &raw).ok())
    throw std::runtime_error("RocksDB cannot be opened");
  std::unique_ptr<rocksdb::DB> db(raw);
  rocksdb::WriteOptions synced;
  synced.sync = true;
  return rate_of(writers, each, [&](unsigned writer) {
    if (!db->Put(synced, "row" + std::to_string(writer), value).ok())
      std::abort();
  });
}

} // namespace troupe::bench
