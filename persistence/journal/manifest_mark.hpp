#pragma once

#include "config/base/file_handle.hpp"
#include "messages/errors.hpp"

#include <cstdint>
#include <filesystem>
#include <string>

namespace troupe {

/// RocksDB's list of its files, the MANIFEST, is a log too: if its end cannot be read, RocksDB goes
/// on with an older list, and deletes the files that are not in it. This remembers, in a small file
/// beside the database, how long the list was and a hash of it. The file is not synced: it may be
/// behind, never ahead.
class manifest_mark {
public:
  explicit manifest_mark(std::filesystem::path folder)
      : folder_(std::move(folder)), path_(folder_ / "LISTED") {}

  /// `bad_message`: the list is not what it was. To be called before the database is opened.
  result<void> check() const;
  /// The list of the open database is now `manifest`, of so many bytes.
  result<void> note(const std::string& manifest, std::uint64_t bytes);

private:
  std::filesystem::path folder_;
  std::filesystem::path path_;
  file_handle file_;
};

} // namespace troupe
