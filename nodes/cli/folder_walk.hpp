#pragma once

#include "nodes/cli/documents.hpp"

#include <sys/stat.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace troupe::cli {

/// Walks a folder tree for its text files.
///
/// Links wait until everything else was seen, so that a file is known by its own name and not by a
/// link to it. Folders and files are entered once (by device and inode), so loops end. A link out
/// of the folder could bring in the whole disk or another user's file, so it is only named, not
/// read, unless the user wants it. Troupe's own data folders are never read: nobody wants a secret
/// in a report, or an agent that remembers its own state.
class folder_walk {
public:
  folder_walk(const document_limits& bounds, links follow) : bounds_(bounds), follow_(follow) {}

  result<document_list> run(const std::filesystem::path& root);

  /// Looks at one file. If it is not a document, a note about it goes to `skipped`.
  result<void> look_at(const std::filesystem::path& path, const std::string& shown,
                       const struct stat& about, const std::string& origin = {});

  document_list& found() { return found_; }

private:
  struct found_entry {
    std::filesystem::path path;
    std::string shown;
    std::size_t depth = 0;
    std::string origin; ///< the link that led to it, or else its top-level folder
  };

  void skip(const std::string& shown, std::string why);
  std::string why_not_document(const std::filesystem::path& path, const struct stat& about) const;
  result<void> enter_next();
  result<void> enter(const found_entry& folder);
  result<void> sort_in(found_entry entry);
  result<void> follow_next();
  result<void> descend(found_entry entry, const struct stat& about);
  failure too_much(const std::string& what) const;

  const document_limits& bounds_;
  links follow_;
  std::filesystem::path root_; ///< with links resolved
  std::vector<found_entry> folders_;
  std::map<std::string, found_entry> links_; ///< by shown name
  std::set<std::pair<dev_t, ino_t>> seen_;
  std::map<std::string, std::size_t> entries_by_origin_;
  std::set<std::string> origins_that_are_links_;
  std::size_t entries_ = 0;
  std::uint64_t bytes_ = 0;
  document_list found_;
};

/// Whether Troupe keeps data in the folder: a node's identity, or a cluster's secret.
bool is_data_folder(const std::filesystem::path& folder);

/// The data folder that is `path` or contains it, links resolved; empty if there is none.
std::filesystem::path data_folder_around(const std::filesystem::path& path);

} // namespace troupe::cli
