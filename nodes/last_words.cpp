#include "nodes/last_words.hpp"

#include "config/limits/supervision.hpp"
#include "persistence/own_files.hpp"
#include "telemetry/text_escape.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <string_view>

#include <nlohmann/json.hpp>

namespace troupe {

namespace {

/// The end of the file, without anything before `from`.
std::string tail_of(const std::filesystem::path& path, off_t from) {
  constexpr off_t tail_bytes = 16 * 1024;
  auto file = open_own_file(path, O_RDONLY);
  struct stat about {};
  if (!file || ::fstat(file->get(), &about) != 0)
    return {};
  std::string tail(static_cast<std::size_t>(tail_bytes), '\0');
  auto got =
      ::pread(file->get(), tail.data(), tail.size(), std::max(from, about.st_size - tail_bytes));
  tail.resize(static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
  return tail;
}

/// Removes the last line from `text` and returns it.
std::string_view take_last_line(std::string_view& text) {
  while (text.ends_with('\n'))
    text.remove_suffix(1);
  auto begin = text.rfind('\n') + 1;
  auto line = text.substr(begin);
  text = text.substr(0, begin);
  return line;
}

std::string shown(std::string_view words) {
  return one_line(valid_utf8(words.substr(0, limits::node_last_words_bytes_max)));
}

} // namespace

std::string last_words(const std::filesystem::path& file, off_t from) {
  auto tail = tail_of(file, from);
  std::string_view text = tail;
  auto line = take_last_line(text);
  constexpr std::string_view speaker = "troupe: "; // the caller puts its own in front
  if (line.starts_with(speaker))
    line.remove_prefix(speaker.size());
  return shown(line);
}

std::string last_trouble(const std::filesystem::path& log, off_t from) {
  auto tail = tail_of(log, from);
  for (std::string_view text = tail; !text.empty();) {
    auto line = nlohmann::json::parse(take_last_line(text), nullptr, false);
    if (!line.is_object() || !line.contains("level") || !line.contains("message"))
      continue;
    if ((line["level"] == "warning" || line["level"] == "error") && line["message"].is_string())
      return shown(line["message"].get<std::string>());
  }
  return {};
}

off_t size_of(const std::filesystem::path& file) {
  struct stat about {};
  return ::stat(file.c_str(), &about) == 0 ? about.st_size : 0;
}

} // namespace troupe
