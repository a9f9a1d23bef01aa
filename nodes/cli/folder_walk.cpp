#include "nodes/cli/folder_walk.hpp"

#include "config/limits/units.hpp"
#include "nodes/cli/document_file.hpp"
#include "nodes/cli/text_detection.hpp"
#include "telemetry/text_escape.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>

namespace troupe::cli {

namespace fs = std::filesystem;

namespace {

std::string error_text() { return std::strerror(errno); }

/// A name as it is shown everywhere, and sent: one line of UTF-8, whatever bytes it has.
std::string shown_name(const std::string& name) { return one_line(to_utf8(name)); }

bool is_file(const fs::path& path) {
  struct stat about {};
  return ::lstat(path.c_str(), &about) == 0 && S_ISREG(about.st_mode);
}

bool is_within(const fs::path& path, const fs::path& folder) {
  auto [end, rest] = std::mismatch(folder.begin(), folder.end(), path.begin(), path.end());
  return end == folder.end();
}

std::string in_mib(std::uint64_t bytes) { return std::to_string(bytes / limits::mib) + " MiB"; }

} // namespace

bool is_data_folder(const fs::path& folder) {
  constexpr std::string_view first_words = "troupe identity";
  constexpr std::size_t secret_digits = 64;
  std::string beginning;
  auto identity = folder / "identity", secret = folder / "secret";
  if (is_file(identity) && read_beginning(identity, first_words.size(), beginning)
      && beginning == first_words)
    return true;
  if (!is_file(secret))
    return false;
  if (is_file(folder / "cluster.yaml"))
    return true;
  return read_beginning(secret, secret_digits, beginning) && beginning.size() == secret_digits
         && beginning.find_first_not_of("0123456789abcdefABCDEF") == std::string::npos;
}

fs::path data_folder_around(const fs::path& path) {
  std::error_code error;
  auto here = fs::canonical(path, error);
  if (error)
    return {};
  for (; here.has_relative_path(); here = here.parent_path())
    if (is_data_folder(here))
      return here;
  return {};
}

result<document_list> folder_walk::run(const fs::path& root) {
  std::error_code error;
  root_ = fs::canonical(root, error);
  folders_.push_back({root, "", 0, ""});
  while (!folders_.empty() || !links_.empty()) {
    auto walked = folders_.empty() ? follow_next() : enter_next();
    if (!walked)
      return unexpected{std::move(walked).error()};
  }
  auto by_name = [](const auto& a, const auto& b) { return a.name < b.name; };
  std::sort(found_.files.begin(), found_.files.end(), by_name);
  std::sort(found_.skipped.named.begin(), found_.skipped.named.end(), by_name);
  return std::move(found_);
}

result<void> folder_walk::look_at(const fs::path& path, const std::string& shown,
                                  const struct stat& about, const std::string& origin) {
  if (!seen_.insert({about.st_dev, about.st_ino}).second)
    return {};
  auto size = static_cast<std::uint64_t>(about.st_size);
  if (auto why = why_not_document(path, about); !why.empty())
    return skip(shown, std::move(why)), result<void>{};
  bytes_ += size;
  ++entries_by_origin_[origin];
  if (found_.files.size() >= bounds_.documents_max)
    return unexpected{
        too_much("more than " + std::to_string(bounds_.documents_max) + " text files")};
  if (bytes_ > bounds_.folder_bytes_max)
    return unexpected{too_much("more than " + in_mib(bounds_.folder_bytes_max) + " of text")};
  found_.files.push_back({shown_name(shown), path, size});
  return {};
}

/// Says where most of it is: a link, or a folder that is too much by itself.
failure folder_walk::too_much(const std::string& what) const {
  auto most = std::max_element(entries_by_origin_.begin(), entries_by_origin_.end(),
                               [](const auto& a, const auto& b) { return a.second < b.second; });
  auto text = what;
  if (most != entries_by_origin_.end() && !most->first.empty()
      && most->second * 2 > found_.files.size())
    text += (origins_that_are_links_.contains(most->first) ? ", most of them by the link "
                                                           : ", most of them in ")
            + shown_name(most->first);
  return {ec::too_large, text + ": give a smaller folder"};
}

void folder_walk::skip(const std::string& shown, std::string why) {
  if (found_.skipped.named.size() < bounds_.skipped_max)
    found_.skipped.named.push_back({shown_name(shown), std::move(why)});
  else
    ++found_.skipped.more;
}

std::string folder_walk::why_not_document(const fs::path& path, const struct stat& about) const {
  if (!S_ISREG(about.st_mode))
    return "is no regular file";
  if (static_cast<std::uint64_t>(about.st_size) > bounds_.document_bytes_max)
    return "is too large (" + in_mib(static_cast<std::uint64_t>(about.st_size)) + ", the limit is "
           + in_mib(bounds_.document_bytes_max) + ")";
  std::string beginning;
  if (!read_beginning(path, beginning_bytes, beginning))
    return "cannot be read: " + error_text();
  if (about.st_size == 0 && !beginning.empty())
    return "is made up by the system as it is read, and may have no end";
  return why_not_text(beginning);
}

result<void> folder_walk::enter_next() {
  auto folder = std::move(folders_.back());
  folders_.pop_back();
  struct stat about {};
  if (::stat(folder.path.c_str(), &about) == 0
      && !seen_.insert({about.st_dev, about.st_ino}).second)
    return {}; // reached before, by another way
  if (is_data_folder(folder.path))
    return skip(folder.shown, "is a data folder of Troupe, which is never read"), result<void>{};
  return enter(folder);
}

result<void> folder_walk::enter(const found_entry& folder) {
  std::error_code error;
  fs::directory_iterator it(folder.path, error);
  if (error && folder.depth == 0)
    return fail(ec::invalid_argument, folder.path.string() + " cannot be read: " + error.message());
  if (error)
    return skip(folder.shown, "cannot be read: " + error.message()), result<void>{};
  for (; !error && it != fs::directory_iterator(); it.increment(error)) {
    auto leaf = it->path().filename().string();
    auto shown = folder.shown.empty() ? leaf : folder.shown + "/" + leaf;
    std::error_code unknown;
    auto origin = !folder.origin.empty()      ? folder.origin
                  : it->is_directory(unknown) ? leaf
                                              : std::string{}; // a file of the folder itself
    ++entries_by_origin_[origin];
    if (++entries_ > bounds_.entries_max)
      return unexpected{too_much("more than " + std::to_string(bounds_.entries_max) + " entries")};
    auto looked = leaf.starts_with('.') ? (skip(shown, "is hidden"), result<void>{})
                                        : sort_in({it->path(), shown, folder.depth + 1, origin});
    if (!looked)
      return looked;
  }
  return {};
}

result<void> folder_walk::sort_in(found_entry entry) {
  struct stat about {};
  if (::lstat(entry.path.c_str(), &about) != 0)
    return skip(entry.shown, "cannot be read: " + error_text()), result<void>{};
  if (S_ISLNK(about.st_mode))
    return links_.emplace(entry.shown, std::move(entry)), result<void>{};
  return descend(std::move(entry), about);
}

result<void> folder_walk::follow_next() {
  auto link = std::move(links_.extract(links_.begin()).mapped());
  struct stat about {};
  if (::stat(link.path.c_str(), &about) != 0)
    return skip(link.shown, errno == ENOENT ? "is a link that leads nowhere"
                                            : "cannot be read: " + error_text()),
           result<void>{};
  std::error_code error;
  auto target = fs::canonical(link.path, error);
  if (error)
    return skip(link.shown, "cannot be read: " + error.message()), result<void>{};
  bool outside = !is_within(target, root_);
  if (outside && follow_ == links::inside)
    return skip(link.shown, "is a link out of the folder, to " + shown_name(target.string())
                                + "; --follow-links reads it"),
           result<void>{};
  if (outside && !data_folder_around(target).empty())
    return skip(link.shown, "leads to a data folder of Troupe, which is never read"),
           result<void>{};
  if (outside) {
    link.origin = link.shown;
    origins_that_are_links_.insert(link.shown);
  }
  return descend(std::move(link), about);
}

result<void> folder_walk::descend(found_entry entry, const struct stat& about) {
  if (!S_ISDIR(about.st_mode))
    return look_at(entry.path, entry.shown, about, entry.origin);
  if (entry.depth > bounds_.depth_max)
    return skip(entry.shown, "is nested too deeply"), result<void>{};
  return folders_.push_back(std::move(entry)), result<void>{};
}

} // namespace troupe::cli
