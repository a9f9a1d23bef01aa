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

/// Text files that a command reads for the cluster. No node opens a path of its own machine: the
/// client finds and reads the files and sends their text as blobs.
namespace troupe::cli {

struct found_document {
  std::string name; ///< relative to the folder; the file's name for a single file
  std::filesystem::path path;
  std::uint64_t size_bytes = 0;
};

/// A file that was left out, or what is to be said of one, in words.
struct skipped_document {
  std::string name;
  std::string why;
};

/// Files that were left out. A folder may hold very many of them: those beyond a bound are only
/// counted.
struct skipped_documents {
  std::vector<skipped_document> named;
  std::size_t more = 0; ///< beside those named

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

/// Finds the text files below `path`, sorted by name. Text is told by content
/// (nodes/cli/text_detection.hpp). Each file counts once (by device and inode, under the name that
/// is no link where it has one), hidden entries are left out, links only as `follow` says, Troupe's
/// own data folders never (nodes/cli/folder_walk.hpp). Missing, empty, unreadable, of the other
/// kind, without any text, in a data folder: `invalid_argument`. Too much: `too_large`. Names are
/// one line of UTF-8.
result<document_list> find_documents(const std::filesystem::path& path, path_kind kind,
                                     links follow = links::inside,
                                     const document_limits& bounds = default_document_limits());

/// The text of a file as UTF-8, and how it was read. What is written to the file meanwhile is not
/// read.
result<decoded_text> read_document(const found_document& document, std::uint64_t bytes_max);

/// The value of a graph's input of type folder or file: a map of `documents`, a list of blobs, and
/// `skipped`, a list of maps with `name` and `why`; the last one stands for those not named.
Value documents_value(const std::vector<BlobRef>& blobs, const skipped_documents& skipped);

/// "Remember the folder PATH", "Remember the file PATH": which, and the path. Case and white space
/// of the first words do not count; quotation marks around the path are taken off, `~/` is the home
/// folder.
struct remember_request {
  path_kind kind = path_kind::file;
  std::filesystem::path path;
};
std::optional<remember_request> parse_remember(std::string_view text);

} // namespace troupe::cli
