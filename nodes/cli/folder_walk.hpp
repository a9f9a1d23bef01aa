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
/// Names that are links wait until everything else was seen, so that a file is known by its own
/// name and not by a link to it. Folders and files are entered once (by device and inode), so loops
/// end. A link out of the folder could bring in all of the disk, or somebody else's file: it is
/// named and not read unless that is wanted. Folders where Troupe keeps its data are never read: a
/// secret in a report, or an agent that remembers its own state, is nobody's wish.
class folder_walk {
public:
  folder_walk(const document_limits& bounds, links follow) : bounds_(bounds), follow_(follow) {}

  result<document_list> run(const std::filesystem::path& root);

  /// Looks at one file; its note goes to `skipped` if it is no document.
  result<void> look_at(const std::filesystem::path& path, const std::string& shown,
                       const struct stat& about, const std::string& origin = {});

  document_list& found() { return found_; }

private:
  struct found_entry {
    std::filesystem::path path;
    std::string shown;
    std::size_t depth = 0;
    std::string origin; ///< the link it came by, else the entry of the root that it is below
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
  std::filesystem::path root_; ///< without links
  std::vector<found_entry> folders_;
  std::map<std::string, found_entry> links_; ///< by the name that is shown
  std::set<std::pair<dev_t, ino_t>> seen_;
  std::map<std::string, std::size_t> entries_by_origin_;
  std::set<std::string> origins_that_are_links_;
  std::size_t entries_ = 0;
  std::uint64_t bytes_ = 0;
  document_list found_;
};

/// Whether Troupe keeps data in the folder: a node's identity, or a cluster's secret.
bool is_data_folder(const std::filesystem::path& folder);

/// The data folder that holds `path` or a folder above it, links resolved; empty if none does.
std::filesystem::path data_folder_around(const std::filesystem::path& path);

} // namespace troupe::cli
