#pragma once

#include "messages/values.pb.h"
#include "nodes/cli/command_trace.hpp"
#include "nodes/cli/documents.hpp"
#include "nodes/cli/find_cluster.hpp"

#include <vector>

namespace troupe::cli {

struct uploaded_documents {
  std::vector<BlobRef> blobs; ///< in the order of their names
  skipped_documents skipped;  ///< those of the list, and files that could not be read in the end
  std::vector<skipped_document> notes; ///< such as "read as Windows-1252", for files that were sent
};

/// Reads the documents and stores them on the attached node, many per message. Shows a progress
/// line if that takes a while. Fails if no document can be read, or if the link fails. A span of
/// `trace` tells how long it took.
cli_result<uploaded_documents> upload(attached_client& cluster, const document_list& documents,
                                      bool quiet, command_trace& trace);

/// [{"name": ..., KEY: ...}]
json files_json(const std::vector<skipped_document>& list, const char* key);

/// Says on standard error which files were left out: all if they are few, else the first ones.
void tell_skipped(const skipped_documents& skipped);

/// Says which files were not read as plain UTF-8: "a.txt: read as Windows-1252".
void tell_notes(const std::vector<skipped_document>& notes);

} // namespace troupe::cli
