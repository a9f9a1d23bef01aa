#include "persistence/rocksdb_database.hpp"

#include "config/base/failpoint.hpp"
#include "config/limits/storage.hpp"
#include "persistence/rocksdb_options.hpp"

#include <algorithm>
#include <optional>

namespace troupe {

namespace {

bool says(const rocksdb::Status& status, std::string_view words) {
  return status.ToString().find(words) != std::string::npos;
}

/// RocksDB has no error code for data that a later version wrote: it says so in words.
bool of_another_version(const rocksdb::Status& status) {
  if (status.IsNotSupported() || status.IsInvalidArgument())
    return true;
  constexpr std::string_view hints[] = {"unsupported", "not supported",   "nknown Footer version",
                                        "nknown tag",  "nknown checksum", "newer"};
  return status.IsCorruption() && std::any_of(std::begin(hints), std::end(hints), [&](auto words) {
           return says(status, words);
         });
}

bool held_by_another(const rocksdb::Status& status) {
  return status.IsBusy() || (status.IsIOError() && says(status, "lock"));
}

} // namespace

rocksdb_database::rocksdb_database(std::filesystem::path folder, words called,
                                   free_space_source free_space, adjustment adjust)
    : folder_(std::move(folder)), called_(std::move(called)), free_space_(std::move(free_space)),
      adjust_(std::move(adjust)), mark_(folder_ / "ACKNOWLEDGED") {}

rocksdb::Options rocksdb_database::options() const {
  auto made = rocksdb_options();
  if (adjust_)
    adjust_(made);
  return made;
}

result<void> rocksdb_database::open_to_read() {
  read_only_ = true;
  return guarded<void>([&]() -> result<void> {
    rocksdb::DB* made = nullptr;
    auto status = rocksdb::DB::OpenForReadOnly(options(), folder_.string(), &made);
    db_.reset(made);
    return status.ok() ? result<void>{} : unexpected{opening_failure(status)};
  });
}

result<void> rocksdb_database::open(bool must_exist) {
  std::error_code error;
  auto there = std::filesystem::exists(folder_ / "CURRENT", error);
  auto empty =
      !there
      && (!std::filesystem::exists(folder_, error) || std::filesystem::is_empty(folder_, error));
  if (must_exist && empty)
    return fail(ec::bad_message,
                "there was a database in " + folder_.string() + " with " + called_.holds
                    + ", and it is gone: if a disk is not mounted, mount it; otherwise restore the "
                      "folder from a copy. Only if there is none: remove the file identity beside "
                      "it as well, to begin with "
                    + called_.last_resort);
  if (auto made = make_folder(folder_); !made)
    return made;
  auto free = free_space_(folder_);
  if (!free)
    return unexpected{std::move(free).error()};
  read_only_ = *free < limits::disk_free_bytes_last;
  return guarded<void>([&]() -> result<void> {
    rocksdb::DB* made = nullptr;
    auto how = options();
    // A database that lost the file listing its parts must not be taken for a new one.
    how.create_if_missing = empty || !must_exist;
    auto status = read_only_ ? rocksdb::DB::OpenForReadOnly(how, folder_.string(), &made)
                             : rocksdb::DB::Open(how, folder_.string(), &made);
    db_.reset(made);
    if (status.ok())
      return {};
    if (read_only_ && empty)
      return check_free_space(free_space_, folder_, 0);
    return unexpected{opening_failure(status)};
  });
}

void rocksdb_database::close() noexcept {
  try {
    if (broken_)
      (void)db_.release(); // after a failed write, even closing it may end the process
    if (db_)
      (void)db_->Close();
    db_.reset();
  } catch (...) {
    (void)db_.release(); // it could not even be destroyed: leave it
  }
}

result<std::optional<std::string>> rocksdb_database::get(std::string_view key) {
  std::string bytes;
  auto status = db_->Get({}, slice_of(key), &bytes);
  if (status.IsNotFound())
    return std::optional<std::string>{};
  if (!status.ok())
    return unexpected{failed("reading", status.ToString())};
  return std::optional<std::string>(std::move(bytes));
}

result<void> rocksdb_database::write_synced(rocksdb::WriteBatch& batch, std::uint64_t write) {
  rocksdb::WriteOptions synced;
  synced.sync = true;
  auto failpoint_here = [this](std::string_view where) {
    if (failpoint_is_set) [[unlikely]]
      reach_failpoint(where, folder_.filename().native());
  };
  failpoint_here("write");
  if (auto done = written(db_->Write(synced, &batch)); !done)
    return done;
  failpoint_here("synced");
  auto marked = advance_mark(write);
  failpoint_here("marked");
  return marked;
}

result<void> rocksdb_database::write_unsynced(rocksdb::WriteBatch& batch) {
  return written(db_->Write({}, &batch));
}

result<void> rocksdb_database::sync(std::uint64_t write) {
  if (auto done = written(db_->SyncWAL()); !done)
    return done;
  return advance_mark(write);
}

result<void> rocksdb_database::written(const rocksdb::Status& status) {
  if (status.ok())
    return {};
  broken_ = true;
  return fail(ec::outcome_unknown, "writing to " + folder_.string() + ": " + status.ToString());
}

result<void> rocksdb_database::advance_mark(std::uint64_t write) {
  if (auto marked = mark_.advance(write); !marked) {
    broken_ = true;
    return fail(ec::outcome_unknown, marked.error().message);
  }
  return {};
}

std::vector<std::string> rocksdb_database::tables() const {
  std::vector<rocksdb::LiveFileMetaData> files;
  db_->GetLiveFilesMetaData(&files);
  std::vector<std::string> names;
  names.reserve(files.size());
  for (const auto& file : files)
    names.push_back(file.name.substr(file.name.rfind('/') + 1));
  return names;
}

result<void> rocksdb_database::check_mark(std::uint64_t last_write) {
  auto acknowledged = mark_.open(read_only_);
  if (!acknowledged)
    return unexpected{std::move(acknowledged).error()};
  if (*acknowledged > last_write)
    return unexpected{damaged("the last " + std::to_string(*acknowledged - last_write)
                              + " acknowledged writes are missing")};
  return {};
}

result<void> rocksdb_database::make_room(std::uint64_t bytes, std::uint64_t least) {
  if (auto space = check_free_space(free_space_, folder_, bytes, least); !space)
    return space;
  if (!read_only_)
    return {};
  close();
  if (auto opened = open(true); !opened)
    return opened;
  if (auto marked = mark_.open(); !marked)
    return unexpected{std::move(marked).error()};
  return {};
}

failure rocksdb_database::damaged(const std::string& what) const {
  if (called_.holds.empty())
    return {ec::bad_message, what};
  return {ec::bad_message, "the database in " + folder_.string() + " is damaged (" + what
                               + "): restore the folder from a copy. Only if there is none, remove "
                                 "it to begin with "
                               + called_.last_resort};
}

failure rocksdb_database::failed(std::string_view doing, const std::string& why) const {
  return {ec::storage_failed,
          std::string(doing) + " the database in " + folder_.string() + ": " + why};
}

failure rocksdb_database::opening_failure(const rocksdb::Status& status) const {
  auto where = "the database in " + folder_.string();
  if (held_by_another(status))
    return {ec::refused,
            where + " is open in another process: stop that process (" + status.ToString() + ")"};
  // It is also damage if a file in the database's own list is gone.
  auto missing = status.IsIOError() && status.subcode() == rocksdb::Status::kPathNotFound;
  if (of_another_version(status) && !says(status, "create_if_missing"))
    return {ec::bad_message, where + " cannot be read by this version of Troupe ("
                                 + status.ToString()
                                 + "): it was written by another one, or is damaged. Start the "
                                   "version that wrote it, or restore the folder from a copy"};
  if (status.IsCorruption() || missing || status.IsInvalidArgument())
    return damaged(status.ToString());
  if (says(status, "Permission denied"))
    return {ec::storage_failed, where
                                    + " may not be used by this user: check the owner and the "
                                      "mode of the folder and of the files in it ("
                                    + status.ToString() + ")"};
  return failed("opening", status.ToString());
}

} // namespace troupe
