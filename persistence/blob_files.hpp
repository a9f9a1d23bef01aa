#pragma once

#include "messages/errors.hpp"
#include "messages/ids.hpp"
#include "persistence/blob_bytes.hpp"

#include <filesystem>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

namespace troupe {

/// Blobs as files named by their hash, in two levels of folders: `ab/cd/abcd...`. Many are written
/// with `add`, and are on disk after one `sync`.
class blob_files {
public:
  explicit blob_files(std::filesystem::path folder) : folder_(std::move(folder)) {}

  /// Removes what a crash left half-written.
  result<void> open();

  std::filesystem::path path_of(std::string_view hash) const;

  /// Writes and syncs the file, and gives it its name, which is durable after `sync`.
  result<void> add(std::string_view hash, std::string_view bytes);
  result<void> sync();

  /// Nothing if there is no such file. Not checked against the hash.
  result<std::optional<blob_bytes>> read(std::string_view hash) const;
  result<void> remove(std::string_view hash) const;

  struct found_file {
    std::string sha256;
    std::uint64_t size_bytes = 0;
    instant written;
  };
  /// All that are there.
  result<void> for_each(const std::function<result<void>(found_file)>& visit) const;

private:
  std::filesystem::path temporary_folder() const { return folder_ / "tmp"; }

  std::filesystem::path folder_;
  std::set<std::filesystem::path> unsynced_; ///< folders with new names
};

} // namespace troupe
