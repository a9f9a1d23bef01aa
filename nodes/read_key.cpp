#include "nodes/read_key.hpp"

#include "config/base/file_handle.hpp"
#include "config/limits/secrets.hpp"
#include "config/limits/storage.hpp"
#include "config/yaml.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <vector>

namespace troupe {

namespace {

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view space = " \t\r\n";
  auto first = text.find_first_not_of(space);
  if (first == text.npos)
    return {};
  return text.substr(first, text.find_last_not_of(space) - first + 1);
}

/// What goes into a header: nothing that would end it.
outcome<std::string, std::string> checked(std::string_view text, const std::string& place) {
  auto key = trimmed(text);
  if (key.empty())
    return unexpected{place + " is empty"};
  auto visible = std::all_of(key.begin(), key.end(), [](char c) { return c > 0x20 && c < 0x7f; });
  if (!visible || key.size() > limits::key_bytes_max)
    return unexpected{place + " holds something else than one key"};
  return std::string(key);
}

/// Only of a regular file: a pipe or a device would make its reader wait, and would give something
/// else each time.
outcome<std::string, std::string> read_text(const std::string& path, std::size_t bytes_max) {
  auto unreadable = [&] { return unexpected{path + " cannot be read: " + std::strerror(errno)}; };
  struct stat seen {};
  if (::stat(path.c_str(), &seen) != 0)
    return unreadable();
  file_handle file;
  if (S_ISREG(seen.st_mode)) { // others are not even opened: a pipe's writer would begin
    file = file_handle{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)};
    if (!file || ::fstat(file.get(), &seen) != 0)
      return unreadable();
  }
  if (!S_ISREG(seen.st_mode))
    return unexpected{path
                      + " is no regular file but a folder, a pipe or the like: a key is read "
                        "again and again, so put it into a file"};
  std::string text(bytes_max + 1, '\0');
  std::size_t bytes = 0;
  while (bytes < text.size()) {
    auto came = ::read(file.get(), text.data() + bytes, text.size() - bytes);
    if (came < 0 && errno == EINTR)
      continue;
    if (came < 0)
      return unreadable();
    if (came == 0)
      break;
    bytes += static_cast<std::size_t>(came);
  }
  text.resize(bytes);
  return text;
}

/// The inline `api_key` of the provider, or that of the `index`-th entry of its `keys`.
outcome<std::string, std::string> read_inline(const std::string& path, std::string_view provider,
                                              std::size_t index) {
  auto place = "api_key of provider " + std::string(provider) + " in " + path;
  auto text = read_text(path, limits::yaml_bytes_max);
  if (!text)
    return unexpected{text.error()};
  auto root = parse_yaml(*text, path);
  auto section = root ? root->find("providers") : std::nullopt;
  auto entry = section ? section->find(provider) : std::nullopt;
  if (!entry)
    return unexpected{place + " is no longer there"};
  std::vector<yaml_node> found; // in the order in which read_providers reads them
  if (auto own = entry->find("api_key"))
    found.push_back(*own);
  std::size_t before = 0; // keys of other kinds that stand before the list
  for (auto word : {"api_key_env", "api_key_file", "api_key_in"})
    before += entry->find(word) ? 1 : 0;
  if (index == before && !found.empty())
    return checked(found.front().raw().Scalar(), place);
  auto list = entry->find("keys");
  auto at = index - before - found.size();
  auto items =
      list ? list->list() : config_result<std::vector<yaml_node>>{std::vector<yaml_node>{}};
  auto one = items && at < items->size() ? (*items)[at].find("api_key") : std::nullopt;
  if (!one)
    return unexpected{place + " is no longer there"};
  return checked(one->raw().Scalar(), place);
}

} // namespace

outcome<std::string, std::string> read_key(const key_place& place, std::string_view provider,
                                           std::size_t index) {
  switch (place.where) {
    case key_place::sort::variable: {
      const char* value = std::getenv(place.what.c_str());
      if (!value)
        return unexpected{"the variable " + place.what + " is not set"};
      return checked(value, "the variable " + place.what);
    }
    case key_place::sort::file: {
      auto text = read_text(place.what, limits::key_bytes_max);
      if (!text)
        return unexpected{text.error()};
      return checked(*text, place.what);
    }
    case key_place::sort::config_file:
      return read_inline(place.what, provider, index);
  }
  return unexpected{std::string{"it is nowhere"}};
}

} // namespace troupe
