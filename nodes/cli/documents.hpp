#pragma once

#include "messages/envelope.hpp"
#include "messages/values.pb.h"
#include "nodes/cli/text_detection.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// Text files that a command reads for the cluster. Nodes never open paths that users name: the
/// client finds and reads the files and sends their text as blobs.
namespace troupe::cli {

struct found_document {
  std::string name; ///< relative to the folder; the file's name for a single file
  std::filesystem::path path;
  std::uint64_t size_bytes = 0;
};

/// A file that was left out, or a remark about a file, in words.
struct skipped_document {
  std::string name;
  std::string why;
};

/// Files that were left out. A folder may hold very many of them, so those beyond a limit are only
/// counted.
struct skipped_documents {
  std::vector<skipped_document> named;
  std::size_t more = 0; ///< not named

  std::size_t count() const { return named.size() + more; }
  void append(const skipped_documents& others);
};

struct document_list {
  std::vector<found_document> files; ///< by name
  skipped_documents skipped;
};

struct document_limits {
  std::uint64_t document_bytes_max;
  std::uint64_t folder_bytes_max;
  std::size_t documents_max;
  std::size_t entries_max;
  std::size_t depth_max;
  std::size_t skipped_max;
};
document_limits default_document_limits();

enum class path_kind { file, folder };

/// Which links in a folder are followed.
enum class links {
  inside, ///< those that lead to something in the folder
  all,
};

/// Finds the text files below `path`, sorted by name. Text is recognised by content
/// (nodes/cli/text_detection.hpp). Each file counts once (by device and inode; a name that is not a
/// link is preferred). Hidden entries are left out, links are followed as `follow` says, and
/// Troupe's own data folders are never read (nodes/cli/folder_walk.hpp). Names are one line of
/// UTF-8. `invalid_argument`: the path is missing, empty, unreadable, of the other kind, without
/// any text, or in a data folder. `too_large`: a limit is exceeded.
result<document_list> find_documents(const std::filesystem::path& path, path_kind kind,
                                     links follow = links::inside,
                                     const document_limits& bounds = default_document_limits());

/// The text of a file as UTF-8, and how it was read. Does not read what is written to the file
/// meanwhile.
result<decoded_text> read_document(const found_document& document, std::uint64_t bytes_max);

/// The value for an input of type folder or file: a map with `documents`, a list of blobs, and
/// `skipped`, a list of maps with `name` and `why`. Its last map stands for the files not named.
Value documents_value(const std::vector<BlobRef>& blobs, const skipped_documents& skipped);

/// "Remember the folder PATH" or "Remember the file PATH": the kind and the path. Case and white
/// space of the first words do not matter. Quotation marks around the path are removed, and `~/` is
/// the home folder.
struct remember_request {
  path_kind kind = path_kind::file;
  std::filesystem::path path;
};
std::optional<remember_request> parse_remember(std::string_view text);

} // namespace troupe::cli
