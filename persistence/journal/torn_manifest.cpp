#include "persistence/journal/torn_manifest.hpp"

#include "persistence/files.hpp"
#include "persistence/own_files.hpp"

#include <rocksdb/options.h>
#include <rocksdb/sst_file_reader.h>

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

namespace troupe {

namespace {

constexpr std::size_t list_name_bytes_max = 128;
constexpr std::size_t list_bytes_max = std::size_t{1} << 30;

struct torn_end {
  std::filesystem::path list;
  std::uint64_t at = 0;
  std::string bytes;
};

/// Nothing if the list ends with a record, or if nothing of it can be read.
result<std::optional<torn_end>> find_torn_end(const std::filesystem::path& folder) {
  auto current = read_own_file(folder / "CURRENT", list_name_bytes_max);
  if (!current || !*current || !(*current)->starts_with("MANIFEST-")
      || !(*current)->ends_with('\n'))
    return std::optional<torn_end>{}; // whoever opens the database says what is wrong
  auto path = folder / (*current)->substr(0, (*current)->size() - 1);
  auto bytes = read_file(path, list_bytes_max);
  if (!bytes)
    return unexpected{std::move(bytes).error()};
  wal_reader list(bytes->value_or("")); // the list is a log, too
  while (list.next())
    continue;
  if (list.offset() == 0 || !list.has_rest())
    return std::optional<torn_end>{};
  return std::optional{torn_end{path, list.offset(), (*bytes)->substr(list.offset())}};
}

result<void> cut(const torn_end& torn) {
  auto file = open_own_file(torn.list, O_WRONLY);
  if (!file)
    return unexpected{std::move(file).error()};
  if (::ftruncate(file->get(), static_cast<off_t>(torn.at)) != 0 || ::fsync(file->get()) != 0)
    return unexpected{file_failure("cutting off the torn end of", torn.list, errno)};
  return {};
}

bool is_table(const std::filesystem::path& file) { return file.extension() == ".sst"; }

/// The folder as it would be, with links to the same files. It goes with this.
class linked_copy {
public:
  linked_copy(const std::filesystem::path& of, const torn_end& torn)
      : folder_(of.string() + ".examined") {
    std::error_code error;
    std::filesystem::remove_all(folder_, error);
    if (!make_folder(folder_))
      return;
    for (const auto& entry : std::filesystem::directory_iterator(of, error)) {
      auto name = entry.path().filename();
      if (name == torn.list.filename() || name == "LOCK" || name.string().starts_with("LOG"))
        continue;
      std::filesystem::create_hard_link(entry.path(), folder_ / name, error);
      if (error)
        return;
    }
    std::filesystem::copy_file(torn.list, folder_ / torn.list.filename(), error);
    if (!error)
      std::filesystem::resize_file(folder_ / torn.list.filename(), torn.at, error);
    is_made_ = !error;
  }
  linked_copy(const linked_copy&) = delete;
  linked_copy& operator=(const linked_copy&) = delete;
  ~linked_copy() {
    std::error_code error;
    std::filesystem::remove_all(folder_, error);
  }

  bool is_made() const noexcept { return is_made_; }
  const std::filesystem::path& folder() const noexcept { return folder_; }

private:
  std::filesystem::path folder_;
  bool is_made_ = false;
};

/// The number of the last write in the table; 0: it has none, or was not finished.
std::uint64_t last_write_in(const std::filesystem::path& table, const write_number& number_in) {
  rocksdb::SstFileReader reader{rocksdb::Options{}};
  if (!reader.Open(table.string()).ok())
    return 0;
  std::unique_ptr<rocksdb::Iterator> rows{reader.NewIterator({})};
  rows->Seek(rocksdb::Slice{number_row.data(), number_row.size()});
  if (!rows->Valid() || rows->key().ToStringView() != number_row)
    return 0;
  return number_in(rows->value().ToStringView());
}

/// What tables have that are not among `listed` is in those, or in the logs.
bool is_all_there(const std::filesystem::path& folder, const std::vector<std::string>& listed,
                  const write_number& number_in) {
  std::uint64_t in_listed = 0, in_others = 0;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    if (!is_table(entry.path()))
      continue;
    bool is_listed =
        std::find(listed.begin(), listed.end(), entry.path().filename().string()) != listed.end();
    auto& last = is_listed ? in_listed : in_others;
    last = std::max(last, last_write_in(entry.path(), number_in));
  }
  auto logs = read_wals(folder, number_in);
  bool in_logs = logs && logs->first_write != 0 && logs->first_write <= in_others;
  return !error && (in_others <= in_listed || in_logs);
}

} // namespace

result<void> cut_torn_manifest(const std::filesystem::path& folder, const write_number& number_in,
                               const examine_database& examine) {
  auto torn = find_torn_end(folder);
  if (!torn)
    return unexpected{std::move(torn).error()};
  if (!*torn)
    return {};
  linked_copy copy{folder, **torn};
  if (!copy.is_made())
    return {};
  auto listed = examine(copy.folder());
  if (!listed || !is_all_there(folder, *listed, number_in))
    return {};
  return cut(**torn);
}

} // namespace troupe
