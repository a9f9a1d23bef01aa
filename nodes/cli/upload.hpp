#pragma once

#include "messages/values.pb.h"
#include "nodes/cli/documents.hpp"
#include "nodes/cli/find_cluster.hpp"

#include <vector>

namespace troupe::cli {

struct uploaded_documents {
  std::vector<BlobRef> blobs; ///< in the order of their names
  skipped_documents skipped;  ///< those of the list, and files that could not be read after all
  std::vector<skipped_document> notes; ///< "read as Windows-1252" of files that were sent
};

/// Reads the documents and stores them on the attached node, many by one message, with a progress
/// line when that takes a while. Fails if not one is left, and when the link does.
cli_result<uploaded_documents> upload(attached_client& cluster, const document_list& documents,
                                      bool quiet);

/// [{"name": ..., KEY: ...}]
json files_json(const std::vector<skipped_document>& list, const char* key);

/// Tells on standard error which files were left out: all of a few, the first of many.
void tell_skipped(const skipped_documents& skipped);

/// Likewise which files were read otherwise than as UTF-8: "a.txt: read as Windows-1252".
void tell_notes(const std::vector<skipped_document>& notes);

} // namespace troupe::cli
