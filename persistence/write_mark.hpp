#pragma once

#include "config/base/file_handle.hpp"
#include "messages/errors.hpp"
#include "persistence/files.hpp"

#include <cstdint>
#include <filesystem>
#include <utility>

namespace troupe {

/// The number of the last acknowledged write, in a small file beside a store. It is written after
/// the write itself was synced, and is not synced itself: after a power loss it may be behind, but
/// never ahead. So a store whose last write has a lower number has lost an acknowledged write.
class write_mark {
public:
  explicit write_mark(std::filesystem::path path) : path_(std::move(path)) {}

  /// Reads the mark; zero if there is none yet. `bad_message` if it is damaged. `only_read`: it
  /// will not be advanced.
  result<std::uint64_t> open(bool only_read = false);
  result<void> advance(std::uint64_t number);

private:
  std::filesystem::path path_;
  file_handle file_;
};

} // namespace troupe
