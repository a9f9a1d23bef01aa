#include "config/base/hex.hpp"
#include "config/base/random.hpp"
#include "persistence/identity.hpp"
#include "persistence/own_files.hpp"
#include "telemetry/shell_word.hpp"

#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace troupe {

namespace {

constexpr std::size_t secret_digits = 64;
constexpr std::size_t secret_file_bytes_max = 4096;

bool is_secret(std::string_view text) {
  return text.size() == secret_digits && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

/// Checks the file before its bytes: if others can read it, or may have put it there, it is not a
/// secret. Links are followed (those of mounted secrets, `--secret-file`) if their way is trusted.
result<void> check_file(const std::filesystem::path& path) {
  if (auto trusted = check_trusted_way(path); !trusted)
    return fail(ec::refused, trusted.error().message);
  struct stat about;
  if (::stat(path.c_str(), &about) != 0) {
    if (errno == ENOENT)
      return fail(ec::not_found, "there is no secret in " + path.string());
    return unexpected{file_failure("reading", path, errno)};
  }
  if (!S_ISREG(about.st_mode))
    return fail(ec::refused, path.string() + " is not a file");
  if (about.st_uid != ::geteuid() && about.st_uid != 0)
    return fail(ec::refused, "the secret in " + path.string() + " belongs to user "
                                 + std::to_string(about.st_uid)
                                 + ", who knows it: use a file of your own");
  if ((about.st_mode & (S_IRWXG | S_IRWXO)) != 0)
    return fail(ec::refused, "others than its owner may use the secret in " + path.string()
                                 + ": chmod 600 " + shell_word(path.string()));
  return {};
}

} // namespace

result<std::string> load_secret(const std::filesystem::path& path) {
  if (auto checked = check_file(path); !checked)
    return unexpected{std::move(checked).error()};
  auto bytes = read_file(path, secret_file_bytes_max);
  if (!bytes)
    return unexpected{std::move(bytes).error()};
  auto text = *bytes ? std::move(**bytes) : std::string{};
  text.erase(text.find_last_not_of(" \t\r\n") + 1);
  for (auto& c : text)
    if (c >= 'A' && c <= 'F')
      c = static_cast<char>(c - 'A' + 'a');
  if (!is_secret(text))
    return fail(ec::bad_message, path.string() + " holds no secret: expected 64 hex digits");
  return text;
}

result<std::string> load_or_create_secret(const std::filesystem::path& path) {
  struct stat about;
  if (::lstat(path.c_str(), &about) != 0) { // a link that leads nowhere also exists
    auto secret = to_hex(random_bytes(secret_digits / 2));
    if (auto made = make_folder(path.parent_path()); !made)
      return unexpected{std::move(made).error()};
    if (auto trusted = check_trusted_way(path); !trusted)
      return unexpected{std::move(trusted).error()};
    auto temporary = path;
    temporary += ".new-" + std::to_string(::getpid());
    // Another process may have made it meanwhile: then that one counts.
    if (auto created = create_file(path, temporary, secret + "\n"); !created)
      return unexpected{std::move(created).error()};
  }
  return load_secret(path);
}

} // namespace troupe
