#include "persistence/journal/wal_reader.hpp"

#include "persistence/files.hpp"
#include "persistence/own_files.hpp"
#include "persistence/write_mark.hpp"

#include <boost/crc.hpp>
#include <rocksdb/write_batch.h>

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace troupe {

namespace {

// https://github.com/facebook/rocksdb/wiki/Write-Ahead-Log-File-Format
//
//     fragment = checksum (4) length (2) type (1) bytes
//
// A fragment lies within one block; the last bytes of a block that are too few for a head are zero.
// The checksum is the masked CRC-32C of type and bytes.
constexpr std::size_t block_bytes = 32'768;
constexpr std::size_t head_bytes = 7;
enum fragment_type : unsigned { whole = 1, first = 2, middle = 3, last = 4 };
constexpr std::size_t log_bytes_max = std::size_t{4} << 30;

std::uint32_t little(std::string_view bytes) {
  std::uint32_t value = 0;
  for (auto i = bytes.size(); i-- > 0;)
    value = value << 8 | static_cast<unsigned char>(bytes[i]);
  return value;
}

std::uint32_t masked_crc(std::string_view bytes) {
  boost::crc_optimal<32, 0x1EDC6F41, 0xFFFFFFFF, 0xFFFFFFFF, true, true> crc;
  crc.process_bytes(bytes.data(), bytes.size());
  auto sum = static_cast<std::uint32_t>(crc.checksum());
  return ((sum >> 15) | (sum << 17)) + 0xa282ead8U;
}

/// The number of a write of ours: each has a row that says so.
struct find_number final : rocksdb::WriteBatch::Handler {
  explicit find_number(const write_number& in) : number_in(in) {}
  rocksdb::Status PutCF(std::uint32_t, const rocksdb::Slice& key,
                        const rocksdb::Slice& value) override {
    if (key == rocksdb::Slice{number_row.data(), number_row.size()})
      number = number_in({value.data(), value.size()});
    return {};
  }
  rocksdb::Status DeleteCF(std::uint32_t, const rocksdb::Slice&) override { return {}; }
  rocksdb::Status DeleteRangeCF(std::uint32_t, const rocksdb::Slice&,
                                const rocksdb::Slice&) override {
    return {};
  }
  const write_number& number_in;
  std::uint64_t number = 0;
};

std::uint64_t number_of(std::string batch, const write_number& number_in) {
  find_number handler{number_in};
  rocksdb::WriteBatch read(std::move(batch));
  return read.Iterate(&handler).ok() ? handler.number : 0;
}

std::vector<std::filesystem::path> logs_in(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> found;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error))
    if (entry.path().extension() == ".log")
      found.push_back(entry.path());
  std::sort(found.begin(), found.end()); // their numbers have a fixed width
  return found;
}

/// Write `number` comes at `offset` of `path`, and does not follow the last one.
void note_gap(wal_findings& found, bool is_first, const std::filesystem::path& path,
              std::uint64_t offset, std::uint64_t number) {
  // Of another log, it is the end of that one that cannot be read.
  const auto& in = is_first ? found.last_log : path;
  auto at = is_first ? found.readable_bytes : offset;
  found.damage = failure{ec::bad_message, in.string() + " at offset " + std::to_string(at)
                                              + ": after write " + std::to_string(found.last_write)
                                              + " comes " + std::to_string(number)};
  if (!is_first)
    return;
  found.whole_until = found.last_write;
  found.cuts.emplace_back(in, at);
}

} // namespace

std::optional<wal_reader::fragment> wal_reader::next_fragment() {
  auto left = block_bytes - at_ % block_bytes;
  if (left < head_bytes)
    at_ += left;
  if (at_ + head_bytes > bytes_.size())
    return std::nullopt;
  std::string_view all(bytes_);
  auto size = little(all.substr(at_ + 4, 2));
  auto type = static_cast<unsigned char>(all[at_ + 6]);
  if (head_bytes + size > block_bytes - at_ % block_bytes || at_ + head_bytes + size > all.size())
    return std::nullopt;
  if (little(all.substr(at_, 4)) != masked_crc(all.substr(at_ + 6, 1 + size)))
    return std::nullopt;
  at_ += head_bytes + size;
  return fragment{type, all.substr(at_ - size, size)};
}

std::optional<std::string> wal_reader::next() {
  auto begin = at_;
  record_at_ = begin;
  std::string made;
  for (bool inside = false;; inside = true) {
    auto part = next_fragment();
    auto begins = part && (part->type == whole || part->type == first);
    if (!part || begins == inside || part->type < whole || part->type > last) {
      at_ = begin;
      return std::nullopt;
    }
    made += part->body;
    if (part->type == whole || part->type == last)
      return made;
  }
}

bool wal_reader::has_rest() const {
  return std::any_of(bytes_.begin() + static_cast<std::ptrdiff_t>(std::min(at_, bytes_.size())),
                     bytes_.end(), [](char c) { return c != '\0'; });
}

result<wal_findings> read_wals(const std::filesystem::path& folder, const write_number& number_in) {
  wal_findings found;
  for (const auto& path : logs_in(folder)) {
    auto bytes = read_file(path, log_bytes_max);
    if (!bytes)
      return unexpected{std::move(bytes).error()};
    if (!*bytes)
      continue;
    wal_reader log(std::move(**bytes));
    bool is_first = true;
    while (auto batch = log.next()) {
      auto number = number_of(std::move(*batch), number_in);
      if (found.last_write != 0 && number != found.last_write + 1 && !found.damage)
        note_gap(found, is_first, path, log.offset(), number);
      found.last_write = number;
      if (found.first_write == 0)
        found.first_write = number;
      is_first = false;
    }
    if (!found.cuts.empty())
      found.cuts.emplace_back(path, 0);
    found.last_log = path;
    found.readable_bytes = log.offset();
    found.torn = log.has_rest();
  }
  if (found.torn && !found.damage) {
    found.whole_until = found.last_write;
    found.cuts.emplace_back(found.last_log, found.readable_bytes);
  }
  return found;
}

result<void> cut_unacknowledged(const std::filesystem::path& folder, wal_findings& logs) {
  if (logs.whole_until == 0)
    return {};
  auto acknowledged = write_mark{folder / "ACKNOWLEDGED"}.open(true);
  if (!acknowledged)
    return unexpected{std::move(acknowledged).error()};
  if (*acknowledged > logs.whole_until)
    return {};
  for (const auto& [path, bytes] : logs.cuts) {
    auto file = open_own_file(path, O_WRONLY);
    if (!file)
      return unexpected{std::move(file).error()};
    if (::ftruncate(file->get(), static_cast<off_t>(bytes)) != 0 || ::fsync(file->get()) != 0)
      return unexpected{file_failure("cutting off the torn end of", path, errno)};
  }
  logs.damage.reset();
  return {};
}

result<void> mend_logs(const std::filesystem::path& folder, const write_number& number_in) {
  auto logs = read_wals(folder, number_in);
  if (!logs)
    return unexpected{std::move(logs).error()};
  return cut_unacknowledged(folder, *logs);
}

} // namespace troupe
