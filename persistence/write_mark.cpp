#include "persistence/write_mark.hpp"

#include "persistence/ledger.hpp"
#include "persistence/own_files.hpp"

#include <xxhash.h>

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <string_view>

namespace troupe {

namespace {

constexpr std::size_t mark_number_bytes = 8;
constexpr std::size_t mark_bytes = 2 * mark_number_bytes; // the number and its checksum

} // namespace

result<std::uint64_t> write_mark::open(bool only_read) {
  auto bytes = read_own_file(path_, mark_bytes);
  if (!bytes)
    return unexpected{failure{ec::bad_message, bytes.error().message}};
  if (!only_read) {
    auto file = open_own_file(path_, O_WRONLY | O_CREAT);
    if (!file)
      return unexpected{std::move(file).error()};
    file_ = *std::move(file);
  }
  if (!*bytes || (*bytes)->empty()) // a file that lost its first write in a power loss is empty
    return std::uint64_t{0};
  std::string_view all(**bytes);
  auto number = decode_number(all.substr(0, mark_number_bytes));
  if (all.size() != mark_bytes || !number
      || encode_number(XXH3_64bits(all.data(), mark_number_bytes)) != all.substr(mark_number_bytes))
    return fail(ec::bad_message,
                path_.string()
                    + " is damaged: the other files may be whole; remove this one to "
                      "use them unchecked");
  return *number;
}

result<void> write_mark::advance(std::uint64_t number) {
  auto bytes = encode_number(number);
  bytes += encode_number(XXH3_64bits(bytes.data(), bytes.size()));
  ssize_t written = 0;
  do {
    written = ::pwrite(file_.get(), bytes.data(), bytes.size(), 0);
  } while (written < 0 && errno == EINTR);
  if (written != static_cast<ssize_t>(bytes.size()))
    return unexpected{file_failure("writing", path_, errno)};
  return {};
}

} // namespace troupe
