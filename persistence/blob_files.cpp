#include "persistence/blob_files.hpp"

#include "config/base/hex.hpp"
#include "config/limits/work.hpp"
#include "persistence/files.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace troupe {

namespace {

constexpr std::size_t sha256_bytes = 32;

/// The hash that a file is named by; nothing if it has another name.
std::optional<std::string> hash_of(std::string_view text) {
  auto digit = [](char c) {
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
  };
  if (text.size() != 2 * sha256_bytes)
    return std::nullopt;
  std::string hash;
  for (std::size_t i = 0; i < text.size(); i += 2) {
    auto high = digit(text[i]), low = digit(text[i + 1]);
    if (high < 0 || low < 0)
      return std::nullopt;
    hash += static_cast<char>(high << 4 | low);
  }
  return hash;
}

} // namespace

result<void> blob_files::open() {
  std::error_code error;
  std::filesystem::remove_all(temporary_folder(), error);
  return make_folder(temporary_folder());
}

std::filesystem::path blob_files::path_of(std::string_view hash) const {
  auto text = to_hex(hash);
  return folder_ / text.substr(0, 2) / text.substr(2, 2) / text;
}

result<void> blob_files::add(std::string_view hash, std::string_view bytes) {
  auto path = path_of(hash);
  if (auto made = make_folder(path.parent_path()); !made)
    return made;
  auto temporary = temporary_folder() / path.filename();
  if (auto written = write_synced(temporary, bytes); !written)
    return written;
  if (::rename(temporary.c_str(), path.c_str()) != 0) {
    auto why = file_failure("renaming to", path, errno);
    ::unlink(temporary.c_str());
    return unexpected{std::move(why)};
  }
  unsynced_.insert(path.parent_path());
  return {};
}

result<void> blob_files::sync() {
  for (const auto& folder : unsynced_)
    if (auto synced = sync_folder(folder); !synced)
      return synced;
  unsynced_.clear();
  return {};
}

result<std::optional<blob_bytes>> blob_files::read(std::string_view hash) const {
  auto path = path_of(hash);
  auto file = open_file(path, O_RDONLY);
  if (!file && errno == ENOENT)
    return std::optional<blob_bytes>{};
  struct stat about;
  if (!file || ::fstat(file.get(), &about) != 0)
    return unexpected{file_failure("opening", path, errno)};
  auto size = static_cast<std::uint64_t>(about.st_size);
  if (size > limits::document_bytes_max)
    return fail(ec::storage_failed, "the blob in " + path.string() + " is damaged: it has "
                                        + std::to_string(size) + " bytes");
  int failed = 0;
  auto bytes = blob_bytes::filled(size, [&](char* to) {
    auto got = read_up_to(file.get(), to, size);
    failed = got ? 0 : errno;
    return got.value_or(0);
  });
  if (failed != 0)
    return unexpected{file_failure("reading", path, failed)};
  return std::optional<blob_bytes>(std::move(bytes));
}

result<void> blob_files::remove(std::string_view hash) const {
  auto path = path_of(hash);
  if (::unlink(path.c_str()) != 0 && errno != ENOENT)
    return unexpected{file_failure("deleting", path, errno)};
  // Folders that are now empty are removed too; the next blob makes them again.
  if (::rmdir(path.parent_path().c_str()) == 0)
    (void)::rmdir(path.parent_path().parent_path().c_str());
  return {};
}

result<void> blob_files::for_each(const std::function<result<void>(found_file)>& visit) const {
  std::error_code error;
  std::filesystem::recursive_directory_iterator entry(folder_, error), end;
  for (; !error && entry != end; entry.increment(error)) {
    auto hash = hash_of(entry->path().filename().native());
    struct stat about;
    if (!hash || ::lstat(entry->path().c_str(), &about) != 0 || !S_ISREG(about.st_mode)
        || entry->path() != path_of(*hash))
      continue;
    auto written = instant{std::chrono::seconds{about.st_mtim.tv_sec}
                           + std::chrono::nanoseconds{about.st_mtim.tv_nsec}};
    if (auto visited =
            visit({*std::move(hash), static_cast<std::uint64_t>(about.st_size), written});
        !visited)
      return visited;
  }
  if (error)
    return unexpected{file_failure("reading the folder", folder_, error.value())};
  return {};
}

} // namespace troupe
