#pragma once

#include "messages/errors.hpp"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace troupe {

/// Reads one of RocksDB's logs (*.log) as its own reader does: blocks of 32 KiB, in them fragments
/// of records, each with a checksum. RocksDB takes what it cannot read at the end of a log for the
/// torn tail of a crash, and does not say where that begins; this says where.
class wal_reader {
public:
  /// The whole file.
  explicit wal_reader(std::string bytes) : bytes_(std::move(bytes)) {}

  /// The next record, a write batch. Nothing: the readable part ends here.
  std::optional<std::string> next();
  /// Where the record begins that `next` gave last, or where the readable part ends.
  std::uint64_t offset() const noexcept { return record_at_; }
  /// There are bytes other than zero after the readable part.
  bool has_rest() const;

private:
  struct fragment {
    unsigned type = 0;
    std::string_view body;
  };
  std::optional<fragment> next_fragment();

  std::string bytes_;
  std::size_t at_ = 0;
  std::uint64_t record_at_ = 0;
};

/// What the logs of a store hold, and what is wrong with them.
struct wal_findings {
  std::uint64_t first_write = 0;    ///< number of the first write; 0: there is none
  std::uint64_t last_write = 0;     ///< number of the last write that can be read; 0: there is none
  std::filesystem::path last_log;   ///< the one that is written now
  std::uint64_t readable_bytes = 0; ///< of the last log
  bool torn = false;                ///< the last log goes on, as after a crash
  std::optional<failure> damage;    ///< writes are missing between those that are there

  /// A power loss may keep the beginning of a log and lose the end of the one before. If no write
  /// after number `whole_until` was acknowledged, these files may be cut to these bytes: then what
  /// is left is whole.
  std::uint64_t whole_until = 0; ///< 0: nothing can be cut
  std::vector<std::pair<std::filesystem::path, std::uint64_t>> cuts;
};

/// The row that each write of ours renews, with the number of the write.
inline constexpr std::string_view number_row = "l";

/// The number of a write, in that row; 0: it has none.
using write_number = std::function<std::uint64_t(std::string_view row)>;

/// Reads all logs in the folder. `storage_failed` if a file cannot be read.
result<wal_findings> read_wals(const std::filesystem::path& folder, const write_number& number_in);

/// RocksDB accepts a torn record at the end of a log, but not one that goes on in another block,
/// and does not see that the end of a log is missing before another one. What was never
/// acknowledged (write_mark) is cut off; the rest stays as it is, and is damage. Nobody else may
/// use the folder.
result<void> cut_unacknowledged(const std::filesystem::path& folder, wal_findings& logs);
/// The same, of logs that nobody has read.
result<void> mend_logs(const std::filesystem::path& folder, const write_number& number_in);

} // namespace troupe
