#include "nodes/cli/documents.hpp"

#include "config/base/count_of.hpp"
#include "config/limits/work.hpp"
#include "messages/values.pb.h"
#include "nodes/cli/document_file.hpp"
#include "nodes/cli/folder_walk.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace troupe::cli {

namespace fs = std::filesystem;

namespace {

std::string error_text() { return std::strerror(errno); }

/// Says what a folder without any text file holds instead.
std::string no_text_in(const fs::path& path, const skipped_documents& skipped) {
  if (skipped.count() == 0)
    return path.string() + " is empty: it holds no files";
  std::string text = path.string() + " holds no text files:";
  constexpr std::size_t shown_max = 3;
  auto shown = std::min(skipped.named.size(), shown_max);
  for (std::size_t i = 0; i < shown; ++i)
    text += (i == 0 ? " " : "; ") + skipped.named[i].name + " " + skipped.named[i].why;
  if (skipped.count() > shown)
    text += "; and " + std::to_string(skipped.count() - shown) + " more";
  return text;
}

} // namespace

document_limits default_document_limits() {
  return {limits::document_bytes_max, limits::folder_bytes_max, limits::documents_max,
          limits::folder_entries_max, limits::folder_depth_max, limits::skipped_notes_max};
}

result<document_list> find_documents(const fs::path& path, path_kind kind, links follow,
                                     const document_limits& bounds) {
  auto wanted = kind == path_kind::folder ? "folder" : "file";
  struct stat about {};
  if (path.empty() || ::stat(path.c_str(), &about) != 0) {
    if (path.empty() || errno == ENOENT || errno == ENOTDIR)
      return fail(ec::invalid_argument,
                  path.string() + " does not exist: give the path of a " + wanted);
    return fail(ec::invalid_argument, path.string() + " cannot be read: " + error_text());
  }
  if (auto data = data_folder_around(path); !data.empty())
    return fail(ec::invalid_argument, path.string() + " is in a data folder of Troupe ("
                                          + data.string() + "), which is never read: give another "
                                          + wanted);
  folder_walk walk(bounds, follow);
  if (kind == path_kind::file) {
    if (S_ISDIR(about.st_mode))
      return fail(ec::invalid_argument, path.string() + " is a folder, not a file");
    auto looked = walk.look_at(path, path.filename().string(), about);
    if (!looked)
      return unexpected{std::move(looked).error()};
    if (walk.found().files.empty())
      return fail(ec::invalid_argument, path.string() + " " + walk.found().skipped.named.at(0).why);
    return std::move(walk.found());
  }
  if (!S_ISDIR(about.st_mode))
    return fail(ec::invalid_argument, path.string() + " is a file, not a folder");
  auto found = walk.run(path);
  if (!found)
    return fail(found.error().code, found.error().code == ec::too_large
                                        ? path.string() + " holds " + found.error().message
                                        : found.error().message);
  if (found->files.empty())
    return fail(ec::invalid_argument, no_text_in(path, found->skipped));
  return found;
}

result<decoded_text> read_document(const found_document& document, std::uint64_t bytes_max) {
  auto bytes = read_regular_file(document.path, bytes_max);
  if (!bytes)
    return unexpected{std::move(bytes).error()};
  if (auto why = why_not_text(std::string_view(*bytes).substr(0, beginning_bytes)); !why.empty())
    return fail(ec::invalid_argument, why);
  auto made = decode_text(*bytes);
  if (made.text.size() > bytes_max)
    return fail(ec::too_large, "is too large as UTF-8 text");
  return made;
}

void skipped_documents::append(const skipped_documents& others) {
  named.insert(named.end(), others.named.begin(), others.named.end());
  more += others.more;
}

Value documents_value(const std::vector<BlobRef>& blobs, const skipped_documents& skipped) {
  Value value;
  auto& fields = *value.mutable_map()->mutable_fields();
  auto& documents = *fields["documents"].mutable_list();
  for (const auto& blob : blobs)
    *documents.add_items()->mutable_blob() = blob;
  auto& notes = *fields["skipped"].mutable_list();
  auto add = [&](const std::string& name, const std::string& why) {
    auto& entry = *notes.add_items()->mutable_map()->mutable_fields();
    entry["name"].set_text(to_utf8(name));
    entry["why"].set_text(to_utf8(why));
  };
  for (const auto& note : skipped.named)
    add(note.name, note.why);
  if (skipped.more > 0)
    add(count_of(skipped.more, "more file"), "left out, not named here");
  return value;
}

std::optional<remember_request> parse_remember(std::string_view text) {
  auto trim = [](std::string_view& t) {
    t.remove_prefix(std::min(t.find_first_not_of(" \t\r\n"), t.size()));
    t.remove_suffix(t.size() - std::min(t.find_last_not_of(" \t\r\n") + 1, t.size()));
  };
  auto take_word = [&](std::string_view word) {
    trim(text);
    auto same = [](char a, char b) { return (a | 0x20) == b; };
    if (text.size() <= word.size()
        || !std::equal(word.begin(), word.end(), text.begin(),
                       [&](char b, char a) { return same(a, b); })
        || (text[word.size()] != ' ' && text[word.size()] != '\t'))
      return false;
    text.remove_prefix(word.size());
    return true;
  };
  if (!take_word("remember") || !take_word("the"))
    return std::nullopt;
  bool folder = take_word("folder");
  if (!folder && !take_word("file"))
    return std::nullopt;
  trim(text);
  if (text.size() >= 2 && (text.front() == '"' || text.front() == '\'')
      && text.back() == text.front())
    text = text.substr(1, text.size() - 2);
  if (text.empty())
    return std::nullopt;
  auto kind = folder ? path_kind::folder : path_kind::file;
  auto home = std::getenv("HOME"); // the shell does not expand ~ within quotation marks
  if (text.starts_with("~/") && home)
    return remember_request{kind, fs::path(home) / text.substr(2)};
  return remember_request{kind, fs::path(text)};
}

} // namespace troupe::cli
