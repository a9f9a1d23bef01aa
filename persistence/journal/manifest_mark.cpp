#include "persistence/journal/manifest_mark.hpp"

#include "config/base/hex.hpp"
#include "persistence/files.hpp"
#include "persistence/own_files.hpp"

#include <xxhash.h>

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <sstream>

namespace troupe {

namespace {

constexpr std::size_t padded_bytes = 128; // padded, so that it is always written over as a whole
constexpr std::size_t manifest_bytes_max = std::size_t{1} << 30;

std::string checksum_of(std::string_view bytes) {
  return to_hex(std::uint64_t{XXH3_64bits(bytes.data(), bytes.size())});
}

} // namespace

result<void> manifest_mark::check() const {
  auto bytes = read_own_file(path_, padded_bytes);
  auto current = read_own_file(folder_ / "CURRENT", padded_bytes);
  if (!bytes || !*bytes || !current || !*current)
    return {}; // without it, only this check is missing
  std::istringstream words(**bytes);
  std::string manifest, hash, check;
  std::uint64_t size = 0;
  words >> manifest >> size >> hash >> check;
  if (!words || check != checksum_of(manifest + std::to_string(size) + hash)
      || **current != manifest + "\n")
    return {}; // torn by a power loss, or of an older list
  auto path = folder_ / manifest;
  auto list = read_file(path, manifest_bytes_max);
  if (!list)
    return unexpected{std::move(list).error()};
  auto found = list->value_or("");
  if (found.size() < size)
    return fail(ec::bad_message, path.string() + " at offset " + std::to_string(found.size())
                                     + ": it ends, and had " + std::to_string(size) + " bytes");
  if (checksum_of(std::string_view{found}.substr(0, size)) != hash)
    return fail(ec::bad_message, path.string() + ": its first " + std::to_string(size)
                                     + " bytes are not those that were written");
  return {};
}

result<void> manifest_mark::note(const std::string& manifest, std::uint64_t bytes) {
  auto list = read_file(folder_ / manifest, manifest_bytes_max);
  if (!list)
    return unexpected{std::move(list).error()};
  if (!*list || (*list)->size() < bytes)
    return {}; // there is a newer one by now
  auto hash = checksum_of(std::string_view{**list}.substr(0, bytes));
  auto text = manifest + " " + std::to_string(bytes) + " " + hash + " "
              + checksum_of(manifest + std::to_string(bytes) + hash);
  text.resize(padded_bytes, ' ');
  if (file_.get() < 0) {
    auto file = open_own_file(path_, O_WRONLY | O_CREAT);
    if (!file)
      return unexpected{std::move(file).error()};
    file_ = *std::move(file);
  }
  ssize_t written = 0;
  do {
    written = ::pwrite(file_.get(), text.data(), text.size(), 0);
  } while (written < 0 && errno == EINTR);
  if (written != static_cast<ssize_t>(text.size()))
    return unexpected{file_failure("writing", path_, errno)};
  return {};
}

} // namespace troupe
