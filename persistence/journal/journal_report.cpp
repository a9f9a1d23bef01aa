#include "persistence/journal/journal_report.hpp"

#include "config/limits/storage.hpp"
#include "persistence/journal/journal_event.hpp"
#include "persistence/journal/journal_keys.hpp"
#include "persistence/journal/journal_reader.hpp"
#include "persistence/journal/journal_state.hpp"
#include "persistence/journal/journal_store.hpp"
#include "persistence/journal/rocksdb_journal.hpp"
#include "persistence/journal/wal_reader.hpp"

#include <charconv>
#include <set>

namespace troupe {

namespace {

/// Messages of RocksDB and of ours name a file in the folder, and then "offset N".
journal_damage damage_of(const std::filesystem::path& folder, const failure& why) {
  journal_damage made{why.message, {}, {}};
  auto begin = why.message.find(folder.string() + "/");
  if (begin == std::string::npos)
    return made;
  auto end = why.message.find_first_of(" :,)", begin);
  made.file = why.message.substr(begin, end - begin);
  constexpr std::string_view word = "offset ";
  auto at = why.message.find(word, begin);
  if (at == std::string::npos)
    return made;
  std::uint64_t offset = 0;
  auto digits = why.message.data() + at + word.size();
  if (std::from_chars(digits, why.message.data() + why.message.size(), offset).ec == std::errc{})
    made.offset = offset;
  return made;
}

class journal_inspector {
public:
  explicit journal_inspector(std::filesystem::path folder) : folder_(std::move(folder)) {}

  /// A run is over: whether all of it was read, and how it ended if it did.
  using run_seen =
      std::function<void(std::string_view run, bool whole, const std::optional<RunSummary>& end)>;

  result<journal_report> inspect(const event_seen& each, const run_seen& over) {
    std::error_code error;
    if (!std::filesystem::exists(folder_ / "CURRENT", error))
      return fail(ec::not_found, "there is no journal in " + folder_.string());
    auto logs = check_closed_journal(folder_);
    if (!logs)
      damaged(logs.error());
    auto data = open(logs ? *logs : wal_findings{});
    if (!data)
      return std::move(report_);
    journal_reader reader(*data);
    read_runs(*data, reader, each, over);
    find_unknown(*data);
    return std::move(report_);
  }

private:
  /// Null: nothing can be read.
  std::unique_ptr<rocksdb_database> open(const wal_findings& logs) {
    auto opened = try_open({});
    if (!opened) {
      auto why = opened.error();
      if (logs.torn)
        why.message = readable_part(logs) + ": " + why.message;
      damaged(why);
      opened = try_open([](rocksdb::Options& options) { // the rest of it may be whole
        options.wal_recovery_mode = rocksdb::WALRecoveryMode::kSkipAnyCorruptedRecords;
        options.paranoid_checks = false;
      });
      if (!opened)
        damaged(opened.error());
      return opened ? *std::move(opened) : nullptr;
    }
    auto made = *std::move(opened);
    auto bytes = made->get(journal_keys::state);
    auto state = bytes && *bytes ? decode_journal_state(**bytes) : std::nullopt;
    if (auto marked = made->check_mark(state ? state->writes : 0); !marked) {
      auto why = marked.error();
      if (!logs.last_log.empty())
        why.message = readable_part(logs) + ": " + why.message;
      damaged(why);
    }
    return made;
  }

  result<std::unique_ptr<rocksdb_database>> try_open(rocksdb_database::adjustment adjust) {
    auto made = std::make_unique<rocksdb_database>(
        folder_, rocksdb_database::words{}, free_disk_bytes, journal_adjustment(std::move(adjust)));
    if (auto opened = made->open_to_read(); !opened)
      return unexpected{std::move(opened).error()};
    return made;
  }

  static std::string readable_part(const wal_findings& logs) {
    return logs.last_log.string() + " at offset " + std::to_string(logs.readable_bytes);
  }

  void read_runs(rocksdb_database& data, journal_reader& reader, const event_seen& each,
                 const run_seen& over) {
    auto listed = reader.each_row(std::string{journal_keys::heads}, [&](auto run, auto) {
      ++report_.runs;
      auto head = reader.head_of(run);
      if (!head || !*head) {
        if (!head)
          damaged(head.error());
        ++report_.runs_unknown;
        return true;
      }
      numbers_.insert((*head)->number());
      report_.open += (*head)->records() == 0;
      auto read = reader.read(run, **head, 0, [&](std::uint64_t number, const std::string& event) {
        ++report_.records;
        report_.bytes += event.size();
        if (each)
          each(run, number, event);
        return true;
      });
      if (!read) {
        damaged(read.error());
        ++report_.runs_cut;
      }
      if (over)
        over(run, bool(read), end_of(data, run, **head));
      return true;
    });
    if (!listed)
      damaged(listed.error());
  }

  static std::optional<RunSummary> end_of(rocksdb_database& data, std::string_view run,
                                          const JournalHead& head) {
    RunSummary summary;
    if (head.records() == 0)
      return std::nullopt;
    auto bytes = data.get(journal_keys::end(head.ended_ms(), run));
    if (!bytes || !*bytes || !summary.ParseFromString(**bytes))
      summary.set_ended_ms(head.ended_ms());
    return summary;
  }

  void find_unknown(rocksdb_database& data) {
    auto rows = data.rows();
    for (rows->Seek("e"); rows->Valid();) {
      auto place = journal_keys::read_record(rows->key().ToStringView());
      if (!place)
        break;
      report_.runs_unknown += !numbers_.contains(place->number);
      rows->Seek(journal_keys::records(place->number + 1));
    }
  }

  void damaged(const failure& why) {
    if (report_.damage.size() < limits::journal_damage_told_max)
      report_.damage.push_back(damage_of(folder_, why));
  }

  std::filesystem::path folder_;
  journal_report report_;
  std::set<std::uint64_t> numbers_; ///< of runs
};

/// Writes a salvaged run into the new journal, in batches.
class salvager {
public:
  explicit salvager(journal_store& to) : to_(to) {}

  void add(std::string_view run, const std::string& event) {
    events_.emplace_back(run, event);
    bytes_ += event.size();
    if (bytes_ >= limits::journal_batch_bytes_max)
      write();
  }
  void end(std::string_view run, const std::optional<RunSummary>& summary, bool any) {
    if (!any || !summary)
      return;
    RunEvent event;
    *event.mutable_finished()->mutable_summary() = *summary;
    add(run, event.SerializeAsString());
  }
  result<void> finish() {
    write();
    return failed_ ? result<void>{unexpected{*failed_}} : to_.sync();
  }

private:
  void write() {
    std::vector<journal_entry> entries;
    for (const auto& [run, event] : events_)
      entries.push_back({run, event});
    if (!entries.empty() && !failed_)
      if (auto written = to_.append(entries, journal_write::unsynced); !written)
        failed_ = written.error();
    events_.clear();
    bytes_ = 0;
  }

  journal_store& to_;
  std::vector<std::pair<std::string, std::string>> events_;
  std::size_t bytes_ = 0;
  std::optional<failure> failed_;
};

} // namespace

result<journal_report> inspect_journal(const std::filesystem::path& folder,
                                       const event_seen& each) {
  return journal_inspector{folder}.inspect(each, {});
}

result<journal_report> salvage_journal(const std::filesystem::path& folder,
                                       const std::filesystem::path& into) {
  std::error_code error;
  if (std::filesystem::exists(into, error) && !std::filesystem::is_empty(into, error))
    return fail(ec::invalid_argument,
                into.string() + " is not empty: name a folder for the new journal");
  auto made = open_journal(into);
  if (!made)
    return unexpected{std::move(made).error()};
  salvager to(**made);
  std::uint64_t events_of_run = 0;
  auto report = journal_inspector{folder}.inspect(
      [&](std::string_view run, std::uint64_t number, const std::string& event) {
        events_of_run = number;
        to.add(run, event);
      },
      [&](std::string_view run, bool whole, const std::optional<RunSummary>& end) {
        if (!whole)
          to.end(run, end, events_of_run > 0);
        events_of_run = 0;
      });
  if (!report)
    return report;
  if (auto done = to.finish(); !done)
    return unexpected{std::move(done).error()};
  return report;
}

} // namespace troupe
