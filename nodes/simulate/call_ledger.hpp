#pragma once

#include "config/base/file_handle.hpp"
#include "messages/errors.hpp"

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

namespace troupe {

/// One call, when it has ended.
struct billed_call {
  std::string_view id;
  std::string_view api;
  std::string_view model;
  std::string_view key_hash; ///< of the API key: the key itself is written nowhere
  std::string_view request_hash;
  std::uint64_t input_tokens = 0;
  std::uint64_t cached_tokens = 0;        ///< of the input
  std::uint64_t cache_written_tokens = 0; ///< the same
  std::uint64_t output_tokens = 0;
  std::uint64_t billed_nano_usd = 0;
  std::string_view outcome; ///< docs/simulate.md lists them
};

/// What was billed: a file with one JSON object a line, which only grows. Each entry is written
/// before the last byte of its answer, with one call of the system, so that it survives the sudden
/// end of the process (not that of the machine: nothing is synced). A line that is not complete at
/// the end of the file is removed when it is opened. Thread-safe.
class call_ledger {
public:
  static result<std::unique_ptr<call_ledger>> open(const std::filesystem::path& file);

  /// Whether it was written. If not, nothing of it is left in the file.
  bool append(const billed_call& entry);

  /// `{"calls": 2, "input_tokens": ..., "billed_nano_usd": ..., "outcomes": {...}}`
  std::string sum() const;

  /// Forgets everything, in the file too.
  result<void> clear();

  /// The file as it is now: entries up to `size` are complete. Another handle for it, since it may
  /// be read while it grows.
  struct pages {
    file_handle file;
    std::uint64_t size = 0;
  };
  result<pages> read() const;

private:
  struct sums {
    std::uint64_t calls = 0, input = 0, cached = 0, cache_written = 0, output = 0, billed = 0;
    std::map<std::string, std::uint64_t, std::less<>> outcomes;
    void add(const billed_call& entry);
  };

  call_ledger(std::filesystem::path name, file_handle file)
      : name_(std::move(name)), file_(std::move(file)) {}
  result<void> load();

  const std::filesystem::path name_;
  mutable std::mutex mutex_;
  file_handle file_;
  std::uint64_t size_ = 0;
  std::string line_; ///< being written
  sums totals_;
};

} // namespace troupe
