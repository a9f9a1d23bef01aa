#include "tests/support/disk/unreliable_disk.hpp"

#include <rocksdb/system_clock.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace troupe {

namespace {

using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;

/// RocksDB waits a second after an error before it goes on in the background, in threads that all
/// databases share.
class hasty_clock final : public rocksdb::SystemClockWrapper {
public:
  hasty_clock() : SystemClockWrapper(rocksdb::SystemClock::Default()) {}
  const char* Name() const override { return "hasty_clock"; }
  void SleepForMicroseconds(int) override { SystemClockWrapper::SleepForMicroseconds(1); }
};

class hasty_env final : public rocksdb::EnvWrapper {
public:
  explicit hasty_env(const std::shared_ptr<rocksdb::FileSystem>& disk)
      : EnvWrapper(rocksdb::NewCompositeEnv(disk)) {
    file_system_ = disk;
    system_clock_ = std::make_shared<hasty_clock>();
  }
  /// A database that failed is not closed, and never gives its lock back.
  rocksdb::Status LockFile(const std::string&, rocksdb::FileLock** made) override {
    *made = new rocksdb::FileLock;
    return {};
  }
  rocksdb::Status UnlockFile(rocksdb::FileLock* lock) override {
    delete lock;
    return {};
  }
};

class unreliable_file final : public rocksdb::FSWritableFileOwnerWrapper {
public:
  unreliable_file(std::unique_ptr<rocksdb::FSWritableFile> file, unreliable_disk& on,
                  std::string path)
      : FSWritableFileOwnerWrapper(std::move(file)), disk_(on), path_(std::move(path)) {}

  IOStatus Append(const rocksdb::Slice& bytes, const IOOptions& options,
                  IODebugContext* debug) override {
    auto held = disk_.hold();
    if (auto may = disk_.operation(); !may.ok())
      return may;
    auto done = target()->Append(bytes, options, debug);
    if (done.ok())
      disk_.written(path_, bytes.size());
    return done;
  }
  IOStatus Append(const rocksdb::Slice& bytes, const IOOptions& options,
                  const rocksdb::DataVerificationInfo&, IODebugContext* debug) override {
    return Append(bytes, options, debug);
  }
  IOStatus Truncate(std::uint64_t, const IOOptions&, IODebugContext*) override { return {}; }
  IOStatus Allocate(std::uint64_t, std::uint64_t, const IOOptions&, IODebugContext*) override {
    return {};
  }
  IOStatus RangeSync(std::uint64_t, std::uint64_t, const IOOptions&, IODebugContext*) override {
    return {};
  }
  IOStatus Sync(const IOOptions& options, IODebugContext* debug) override {
    auto held = disk_.hold();
    if (auto may = disk_.operation(); !may.ok())
      return may;
    auto done = target()->Flush(options, debug);
    if (done.ok())
      disk_.synced(path_);
    return done;
  }
  IOStatus Fsync(const IOOptions& options, IODebugContext* debug) override {
    return Sync(options, debug);
  }

private:
  unreliable_disk& disk_;
  std::string path_;
};

/// Its sync makes the names in it sure.
class unreliable_folder final : public rocksdb::FSDirectory {
public:
  unreliable_folder(unreliable_disk& on, std::string path) : disk_(on), path_(std::move(path)) {}
  IOStatus Fsync(const IOOptions&, IODebugContext*) override {
    auto held = disk_.hold();
    if (auto may = disk_.operation(); !may.ok())
      return may;
    disk_.names_synced(path_);
    return {};
  }

private:
  unreliable_disk& disk_;
  std::string path_;
};

std::optional<std::string> bytes_in(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file)
    return std::nullopt;
  return std::string{std::istreambuf_iterator<char>(file), {}};
}

} // namespace

unreliable_disk::unreliable_disk(end how, std::uint64_t at)
    : FileSystemWrapper(rocksdb::FileSystem::Default()), how_(how), at_(at),
      env_(std::make_unique<hasty_env>(
          std::shared_ptr<rocksdb::FileSystem>(this, [](rocksdb::FileSystem*) {}))) {}

IOStatus unreliable_disk::operation() {
  std::lock_guard lock{mutex_};
  ++operations_;
  if (how_ == end::power_lost && operations_ >= at_)
    return IOStatus::IOError("the power is gone");
  if (operations_ == at_ && how_ == end::io_error)
    return IOStatus::IOError("Input/output error");
  if (operations_ == at_ && how_ == end::no_space)
    return IOStatus::NoSpace("No space left on device");
  return {};
}

void unreliable_disk::lose_power() {
  std::lock_guard lock{mutex_};
  how_ = end::power_lost;
  at_ = 0;
}

void unreliable_disk::written(const std::string& path, std::uint64_t bytes) {
  std::lock_guard lock{mutex_};
  files_[path].written += bytes;
}

void unreliable_disk::synced(const std::string& path) {
  std::lock_guard lock{mutex_};
  files_[path].synced = files_[path].written;
}

IOStatus unreliable_disk::NewWritableFile(const std::string& path,
                                          const rocksdb::FileOptions& options,
                                          std::unique_ptr<rocksdb::FSWritableFile>* made,
                                          IODebugContext* debug) {
  auto held = hold();
  if (auto may = operation(); !may.ok())
    return may;
  auto done = target()->NewWritableFile(path, options, made, debug);
  if (!done.ok())
    return done;
  std::lock_guard lock{mutex_};
  files_[path] = {};
  *made = std::make_unique<unreliable_file>(std::move(*made), *this, path);
  return done;
}

IOStatus unreliable_disk::RenameFile(const std::string& from, const std::string& to,
                                     const IOOptions& options, IODebugContext* debug) {
  auto held = hold();
  if (auto may = operation(); !may.ok())
    return may;
  auto before = bytes_in(to);
  auto done = target()->RenameFile(from, to, options, debug);
  std::lock_guard lock{mutex_};
  if (done.ok())
    renames_.push_back({from, to, std::move(before)});
  if (auto known = files_.extract(from); done.ok() && !known.empty())
    files_[to] = known.mapped();
  return done;
}

IOStatus unreliable_disk::DeleteFile(const std::string& path, const IOOptions& options,
                                     IODebugContext* debug) {
  auto held = hold();
  if (auto may = operation(); !may.ok())
    return may;
  auto done = target()->DeleteFile(path, options, debug);
  std::lock_guard lock{mutex_};
  files_.erase(path);
  return done;
}

IOStatus unreliable_disk::NewDirectory(const std::string& path, const IOOptions&,
                                       std::unique_ptr<rocksdb::FSDirectory>* made,
                                       IODebugContext*) {
  *made = std::make_unique<unreliable_folder>(*this, path);
  return {};
}

void unreliable_disk::names_synced(const std::string& folder) {
  std::lock_guard lock{mutex_};
  auto is_there = [folder = std::filesystem::path{folder}.lexically_normal()](const rename& one) {
    auto parent = std::filesystem::path{one.to}.parent_path().lexically_normal();
    return parent / "" == folder / "";
  };
  std::erase_if(renames_, is_there);
}

void unreliable_disk::undo(const rename& one) {
  std::error_code error;
  std::filesystem::rename(one.to, one.from, error);
  if (auto known = files_.extract(one.to); !known.empty())
    files_[one.from] = known.mapped();
  if (!error && one.before)
    std::ofstream(one.to, std::ios::binary) << *one.before;
}

void unreliable_disk::take_unsynced(std::mt19937_64& random) {
  std::lock_guard lock{mutex_};
  auto below = [&](std::uint64_t n) { return n == 0 ? 0 : random() % n; };
  for (auto many = below(renames_.size() + 1); many > 0; --many) {
    undo(renames_.back());
    renames_.pop_back();
  }
  auto kind = below(3);
  for (const auto& [path, known] : files_) {
    std::error_code error;
    auto size = std::filesystem::file_size(path, error);
    if (error || known.synced >= size)
      continue;
    if (known.synced == 0 && below(2) == 0) { // its name was not synced either
      std::filesystem::remove(path, error);
      continue;
    }
    auto kept = kind == 0 ? known.synced : known.synced + below(size - known.synced + 1);
    std::filesystem::resize_file(path, kept, error);
    if (kind != 2)
      continue;
    auto torn = std::min<std::uint64_t>(512, kept - known.synced);
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>(kept - torn));
    for (std::uint64_t i = 0; i < torn; ++i)
      file.put(static_cast<char>(random()));
  }
}

} // namespace troupe

// A database is not destroyed after a failed write (rocksdb_database::close): what it holds then
// counts as leaked.
// NOLINTBEGIN(bugprone-reserved-identifier): the name is LeakSanitizer's
extern "C" const char* __lsan_default_suppressions();
extern "C" const char* __lsan_default_suppressions() { return "leak:librocksdb"; }
// NOLINTEND(bugprone-reserved-identifier)
