#include "nodes/cli/documents.hpp"

#include "actors/cluster/socket.hpp"
#include "config/limits/units.hpp"
#include "config/limits/work.hpp"
#include "messages/values.pb.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <map>
#include <set>
#include <system_error>

namespace troupe::cli {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t beginning_bytes = 8 * limits::kib;

std::string error_text() { return std::strerror(errno); }

/// Opens without waiting for the other end of a pipe or for a terminal.
unique_fd open_to_read(const fs::path& path) {
  return unique_fd{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)};
}

/// Reads up to `bytes_max`; false with errno set when that fails.
bool read_up_to(int fd, std::size_t bytes_max, std::string& into) {
  into.resize(bytes_max);
  std::size_t filled = 0;
  while (filled < bytes_max) {
    auto got = ::read(fd, into.data() + filled, bytes_max - filled);
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0)
      return false;
    if (got == 0)
      break;
    filled += static_cast<std::size_t>(got);
  }
  into.resize(filled);
  return true;
}

/// Walks a folder tree. Names that are links wait until everything else was seen, so that a file is
/// known by its own name and not by a link to it.
class folder_walk {
public:
  explicit folder_walk(const document_limits& bounds) : bounds_(bounds) {}

  result<document_list> run(const fs::path& root) {
    folders_.push_back({root, "", 0});
    while (!folders_.empty() || !links_.empty()) {
      auto walked = folders_.empty() ? follow_next() : enter_next();
      if (!walked)
        return unexpected{std::move(walked).error()};
    }
    auto by_name = [](const auto& a, const auto& b) { return a.name < b.name; };
    std::sort(found_.files.begin(), found_.files.end(), by_name);
    std::sort(found_.skipped.begin(), found_.skipped.end(), by_name);
    if (left_out_ > 0)
      found_.skipped.push_back({"...", "and " + std::to_string(left_out_) + " more"});
    return std::move(found_);
  }

  /// Looks at one file; its note goes to `skipped` if it is no document.
  result<void> look_at(const fs::path& path, const std::string& shown, const struct stat& about) {
    if (!seen_.insert({about.st_dev, about.st_ino}).second)
      return {};
    auto size = static_cast<std::uint64_t>(about.st_size);
    if (auto why = why_not_document(path, about); !why.empty())
      return skip(shown, std::move(why)), result<void>{};
    bytes_ += size;
    if (found_.files.size() >= bounds_.documents_max)
      return fail(ec::too_large, "more than " + std::to_string(bounds_.documents_max)
                                     + " text files: give a smaller folder");
    if (bytes_ > bounds_.folder_bytes_max)
      return fail(ec::too_large, "more than "
                                     + std::to_string(bounds_.folder_bytes_max / limits::mib)
                                     + " MiB of text: give a smaller folder");
    found_.files.push_back({shown, path, size});
    return {};
  }

  document_list& found() { return found_; }

private:
  struct place {
    fs::path path;
    std::string shown;
    std::size_t depth;
  };

  void skip(std::string shown, std::string why) {
    if (found_.skipped.size() < bounds_.skipped_max)
      found_.skipped.push_back({std::move(shown), std::move(why)});
    else
      ++left_out_;
  }

  std::string why_not_document(const fs::path& path, const struct stat& about) const {
    if (!S_ISREG(about.st_mode))
      return "is no regular file";
    if (static_cast<std::uint64_t>(about.st_size) > bounds_.document_bytes_max)
      return "is too large ("
             + std::to_string(static_cast<std::uint64_t>(about.st_size) / limits::mib)
             + " MiB, the limit is " + std::to_string(bounds_.document_bytes_max / limits::mib)
             + " MiB)";
    auto fd = open_to_read(path);
    std::string beginning;
    if (!fd || !read_up_to(fd.get(), beginning_bytes, beginning))
      return "cannot be read: " + error_text();
    return why_not_text(beginning);
  }

  result<void> enter_next() {
    auto folder = std::move(folders_.back());
    folders_.pop_back();
    struct stat about {};
    if (::stat(folder.path.c_str(), &about) == 0
        && !seen_.insert({about.st_dev, about.st_ino}).second)
      return {}; // reached before, by another way
    std::error_code error;
    fs::directory_iterator it(folder.path, error);
    if (error && folder.depth == 0)
      return fail(ec::invalid_argument,
                  folder.path.string() + " cannot be read: " + error.message());
    if (error)
      return skip(folder.shown, "cannot be read: " + error.message()), result<void>{};
    for (; !error && it != fs::directory_iterator(); it.increment(error)) {
      if (++entries_ > bounds_.entries_max)
        return fail(ec::too_large, "more than " + std::to_string(bounds_.entries_max)
                                       + " entries: give a smaller folder");
      auto leaf = it->path().filename().string();
      auto shown = folder.shown.empty() ? leaf : folder.shown + "/" + leaf;
      auto looked = leaf.starts_with('.') ? (skip(shown, "is hidden"), result<void>{})
                                          : sort_in({it->path(), shown, folder.depth + 1});
      if (!looked)
        return looked;
    }
    return {};
  }

  result<void> sort_in(place entry) {
    struct stat about {};
    if (::lstat(entry.path.c_str(), &about) != 0)
      return skip(entry.shown, "cannot be read: " + error_text()), result<void>{};
    if (S_ISLNK(about.st_mode))
      return links_.emplace(entry.shown, std::move(entry)), result<void>{};
    return descend(std::move(entry), about);
  }

  result<void> follow_next() {
    auto link = std::move(links_.extract(links_.begin()).mapped());
    struct stat about {};
    if (::stat(link.path.c_str(), &about) != 0)
      return skip(link.shown, errno == ENOENT ? "is a link that leads nowhere"
                                              : "cannot be read: " + error_text()),
             result<void>{};
    return descend(std::move(link), about);
  }

  result<void> descend(place entry, const struct stat& about) {
    if (!S_ISDIR(about.st_mode))
      return look_at(entry.path, entry.shown, about);
    if (entry.depth > bounds_.depth_max)
      return skip(entry.shown, "is nested too deeply"), result<void>{};
    return folders_.push_back(std::move(entry)), result<void>{};
  }

  const document_limits& bounds_;
  std::vector<place> folders_;
  std::map<std::string, place> links_; ///< by the name that is shown
  std::set<std::pair<dev_t, ino_t>> seen_;
  std::size_t entries_ = 0;
  std::size_t left_out_ = 0;
  std::uint64_t bytes_ = 0;
  document_list found_;
};

/// What a folder without a single text file holds instead.
std::string no_text_in(const fs::path& path, const std::vector<skipped_document>& skipped) {
  if (skipped.empty())
    return path.string() + " is empty: it holds no files";
  std::string text = path.string() + " holds no text files:";
  constexpr std::size_t shown_max = 3;
  for (std::size_t i = 0; i < std::min(skipped.size(), shown_max); ++i)
    text += (i == 0 ? " " : "; ") + skipped[i].name + " " + skipped[i].why;
  if (skipped.size() > shown_max)
    text += "; and " + std::to_string(skipped.size() - shown_max) + " more";
  return text;
}

} // namespace

document_limits default_document_limits() {
  return {limits::document_bytes_max, limits::folder_bytes_max, limits::documents_max,
          limits::folder_entries_max, limits::folder_depth_max, limits::skipped_notes_max};
}

result<document_list> find_documents(const fs::path& path, path_kind kind,
                                     const document_limits& bounds) {
  auto wanted = kind == path_kind::folder ? "folder" : "file";
  struct stat about {};
  if (path.empty() || ::stat(path.c_str(), &about) != 0) {
    if (path.empty() || errno == ENOENT || errno == ENOTDIR)
      return fail(ec::invalid_argument,
                  path.string() + " does not exist: give the path of a " + wanted);
    return fail(ec::invalid_argument, path.string() + " cannot be read: " + error_text());
  }
  folder_walk walk(bounds);
  if (kind == path_kind::file) {
    if (S_ISDIR(about.st_mode))
      return fail(ec::invalid_argument, path.string() + " is a folder, not a file");
    auto looked = walk.look_at(path, path.filename().string(), about);
    if (!looked)
      return unexpected{std::move(looked).error()};
    if (walk.found().files.empty())
      return fail(ec::invalid_argument, path.string() + " " + walk.found().skipped.at(0).why);
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

result<std::string> read_document(const found_document& document, std::uint64_t bytes_max) {
  auto fd = open_to_read(document.path);
  struct stat about {};
  std::string bytes;
  // One byte more than there was, to notice a file that grows; it is then read again as it is now.
  if (!fd || ::fstat(fd.get(), &about) != 0)
    return fail(ec::invalid_argument, "cannot be read: " + error_text());
  auto room = std::max(document.size_bytes, static_cast<std::uint64_t>(about.st_size));
  if (!read_up_to(fd.get(), static_cast<std::size_t>(std::min(room, bytes_max) + 1), bytes))
    return fail(ec::invalid_argument, "cannot be read: " + error_text());
  if (bytes.size() > bytes_max)
    return fail(ec::too_large, "is too large (it has grown)");
  if (auto why = why_not_text(std::string_view(bytes).substr(0, beginning_bytes)); !why.empty())
    return fail(ec::invalid_argument, why);
  return to_utf8(std::move(bytes));
}

Value documents_value(const std::vector<BlobRef>& blobs,
                      const std::vector<skipped_document>& skipped) {
  Value value;
  auto& fields = *value.mutable_map()->mutable_fields();
  auto& documents = *fields["documents"].mutable_list();
  for (const auto& blob : blobs)
    *documents.add_items()->mutable_blob() = blob;
  auto& notes = *fields["skipped"].mutable_list();
  for (const auto& note : skipped) {
    auto& entry = *notes.add_items()->mutable_map()->mutable_fields();
    entry["name"].set_text(to_utf8(note.name));
    entry["why"].set_text(to_utf8(note.why));
  }
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
  auto home = std::getenv("HOME"); // the shell expands no ~ within quotation marks
  if (text.starts_with("~/") && home)
    return remember_request{kind, fs::path(home) / text.substr(2)};
  return remember_request{kind, fs::path(text)};
}

} // namespace troupe::cli
