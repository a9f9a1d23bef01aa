#include "nodes/cli/upload.hpp"

#include "config/limits/messages.hpp"
#include "config/limits/work.hpp"
#include "messages/agents.pb.h"
#include "messages/values.pb.h"
#include "nodes/cli/exit_codes.hpp"
#include "nodes/cli/progress.hpp"
#include "telemetry/text_escape.hpp"

#include <unistd.h>

#include <algorithm>

namespace troupe::cli {

namespace {

result<BlobRef> store(client& link, const std::string& shown, std::string text) {
  BlobPut put;
  put.set_name(to_utf8(shown));
  put.set_bytes(std::move(text));
  auto request = make_envelope(message_kind::request, address::of(service::blobs), std::move(put));
  auto reply = link.request(std::move(request), limits::request_timeout);
  if (!reply)
    return unexpected{reply.error()};
  if (auto why = failure_in(*reply))
    return unexpected{std::move(*why)};
  auto stored = reply->body.as<BlobStored>();
  if (!stored)
    return fail(ec::bad_message, "the node's answer to a file was not understood");
  auto blob = std::move(*stored->mutable_blob());
  blob.set_name(to_utf8(shown));
  return blob;
}

} // namespace

cli_result<uploaded_documents> upload(attached_client& cluster, const document_list& documents,
                                      bool quiet) {
  progress_line line(terminal_of(STDERR_FILENO));
  auto began = progress_line::clock::now();
  constexpr auto noticed_after = std::chrono::milliseconds{300};
  uploaded_documents done;
  done.skipped = documents.skipped;
  std::uint64_t bytes = 0;
  for (const auto& document : documents.files) {
    auto text = read_document(document, limits::document_bytes_max);
    if (!text) {
      done.skipped.push_back({document.name, text.error().message});
      continue;
    }
    bytes += text->text.size();
    if (!text->note.empty())
      done.notes.push_back({document.name, text->note});
    auto blob = store(*cluster.link, document.name, std::move(text->text));
    if (!blob) {
      auto error = error_of(blob.error());
      error.message = document.name + " could not be sent: " + error.message;
      return unexpected{std::move(error)};
    }
    done.blobs.push_back(std::move(*blob));
    if (auto now = progress_line::clock::now(); !quiet && now - began > noticed_after)
      line.show(
          upload_progress(done.blobs.size(), documents.files.size(), bytes, line.place().columns),
          now);
  }
  if (done.blobs.empty())
    return unexpected{usage_error("no file could be read: " + done.skipped.back().name + " "
                                  + done.skipped.back().why)};
  return done;
}

namespace {

void tell_list(const std::vector<skipped_document>& list, const std::string& before,
               const std::string& between, const std::string& more_of) {
  constexpr std::size_t shown_max = 10;
  auto shown = std::min(list.size(), shown_max);
  for (std::size_t i = 0; i < shown; ++i)
    tell("troupe: " + before + one_line(list[i].name + between + list[i].why) + "\n");
  if (auto more = list.size() - shown; more > 0)
    tell("troupe: " + before + std::to_string(more) + (more == 1 ? " more file" : " more files")
         + more_of + "\n");
}

} // namespace

json files_json(const std::vector<skipped_document>& list, const char* key) {
  auto files = json::array();
  for (const auto& file : list)
    files.push_back({{"name", file.name}, {key, file.why}});
  return files;
}

void tell_skipped(const std::vector<skipped_document>& skipped) {
  tell_list(skipped, "left out: ", " ", "");
}

void tell_notes(const std::vector<skipped_document>& notes) {
  tell_list(notes, "", ": ", " read otherwise than as UTF-8");
}

} // namespace troupe::cli
