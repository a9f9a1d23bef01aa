#include "nodes/cli/upload.hpp"

#include "config/base/count_of.hpp"
#include "config/limits/messages.hpp"
#include "config/limits/storage.hpp"
#include "config/limits/work.hpp"
#include "messages/agents.pb.h"
#include "messages/values.pb.h"
#include "nodes/cli/progress_line.hpp"
#include "nodes/exit_codes.hpp"
#include "telemetry/span.hpp"
#include "telemetry/text_escape.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <deque>
#include <optional>
#include <utility>

namespace troupe::cli {

namespace {

/// Sends documents in messages that hold many small ones or one large one. Several messages are on
/// their way at once, and the node stores messages that arrive together with one sync.
class sender {
public:
  sender(client& link, std::size_t documents, const trace_context& trace)
      : link_(link), trace_(trace), blobs_(documents) {}

  /// Adds document number `index` of the list.
  result<void> add(std::size_t index, const std::string& shown, std::string text) {
    if (batch_bytes_ > 0 && batch_bytes_ + text.size() > limits::upload_batch_bytes_aim)
      if (auto sent = send(); !sent)
        return sent;
    batch_bytes_ += text.size();
    auto added = batch_.add_blobs();
    added->set_name(to_utf8(shown));
    added->set_bytes(std::move(text));
    indices_.push_back(index);
    if (indices_.size() < limits::upload_batch_documents_max)
      return {};
    return send();
  }

  /// Waits until all are stored. Returns the references, in the order of the list.
  result<std::vector<std::optional<BlobRef>>> finish() {
    if (auto sent = send(); !sent)
      return unexpected{sent.error()};
    while (!on_their_way_.empty())
      if (auto done = receive(); !done)
        return unexpected{done.error()};
    return std::move(blobs_);
  }

  std::size_t stored() const noexcept { return stored_; }

private:
  struct blob_batch {
    message_id id;
    std::vector<std::size_t> indices;
    std::vector<std::string> names;
    std::size_t bytes = 0;
  };

  result<void> send() {
    if (indices_.empty())
      return {};
    while (bytes_on_their_way_ > 0
           && bytes_on_their_way_ + batch_bytes_ > limits::upload_bytes_on_their_way_max)
      if (auto done = receive(); !done)
        return done;
    blob_batch next;
    next.indices = std::exchange(indices_, {});
    next.bytes = std::exchange(batch_bytes_, 0);
    for (const auto& put : batch_.blobs())
      next.names.push_back(put.name());
    auto request = make_envelope(message_kind::request, address::of(service::blobs),
                                 std::exchange(batch_, {}));
    request.remaining = limits::request_timeout;
    request.trace = trace_;
    auto id = link_.send(std::move(request), limits::request_timeout);
    if (!id)
      return unexpected{id.error()};
    next.id = *id;
    bytes_on_their_way_ += next.bytes;
    on_their_way_.push_back(std::move(next));
    return {};
  }

  /// Handles the next answer.
  result<void> receive() {
    auto next = link_.receive(limits::request_timeout);
    if (!next)
      return unexpected{next.error()};
    if (!*next)
      return fail(ec::timed_out, "the node did not store the files in time");
    auto& reply = **next;
    auto found = std::find_if(on_their_way_.begin(), on_their_way_.end(),
                              [&](const blob_batch& one) { return one.id == reply.id; });
    if (reply.kind != message_kind::reply || found == on_their_way_.end())
      return {};
    const auto& first = found->names.front();
    if (auto why = failure_in(reply))
      return fail(why->code, first + (found->names.size() > 1 ? " and others" : "")
                                 + " could not be sent: " + why->message);
    auto stored = reply.body.as<BlobsStored>();
    if (!stored || static_cast<std::size_t>(stored->blobs_size()) != found->indices.size())
      return fail(ec::bad_message, "the node's answer to " + first + " could not be read");
    for (std::size_t i = 0; i < found->indices.size(); ++i) {
      auto& blob = blobs_[found->indices[i]].emplace();
      blob.Swap(stored->mutable_blobs(static_cast<int>(i)));
      blob.set_name(found->names[i]);
    }
    stored_ += found->indices.size();
    bytes_on_their_way_ -= found->bytes;
    on_their_way_.erase(found);
    return {};
  }

  client& link_;
  trace_context trace_;
  std::vector<std::optional<BlobRef>> blobs_;
  BlobPuts batch_;
  std::vector<std::size_t> indices_; ///< of the documents in `batch_`
  std::size_t batch_bytes_ = 0;
  std::deque<blob_batch> on_their_way_;
  std::size_t bytes_on_their_way_ = 0;
  std::size_t stored_ = 0;
};

/// Reads and sends each, and notes in `done` what was left out or read otherwise.
result<void> send_all(sender& to_node, const document_list& documents, bool quiet,
                      uploaded_documents& done, std::uint64_t& bytes) {
  progress_line line(terminal_of(STDERR_FILENO));
  auto began = progress_line::clock::now();
  constexpr auto noticed_after = std::chrono::milliseconds{300};
  for (std::size_t i = 0; i < documents.files.size(); ++i) {
    const auto& document = documents.files[i];
    auto text = read_document(document, limits::document_bytes_max);
    if (!text) {
      done.skipped.named.push_back({document.name, text.error().message});
      continue;
    }
    bytes += text->text.size();
    if (!text->note.empty())
      done.notes.push_back({document.name, text->note});
    if (auto sent = to_node.add(i, document.name, std::move(text->text)); !sent)
      return sent;
    if (auto now = progress_line::clock::now(); !quiet && now - began > noticed_after)
      line.show(
          upload_progress(to_node.stored(), documents.files.size(), bytes, line.shown_on().columns),
          now);
  }
  return {};
}

} // namespace

cli_result<uploaded_documents> upload(attached_client& cluster, const document_list& documents,
                                      bool quiet, command_trace& trace) {
  command_trace::part uploading{trace, span_names::upload};
  uploaded_documents done;
  done.skipped = documents.skipped;
  sender to_node(*cluster.link, documents.files.size(), uploading.inside());
  std::uint64_t bytes = 0;
  auto sent = send_all(to_node, documents, quiet, done, bytes);
  using stored = result<std::vector<std::optional<BlobRef>>>;
  auto blobs = sent ? to_node.finish() : stored{unexpected{sent.error()}};
  set(uploading.span(), attr::files, to_node.stored());
  set(uploading.span(), attr::upload_bytes, bytes);
  if (!blobs) {
    auto why = error_of(blobs.error());
    uploading.failed(why);
    return unexpected{why};
  }
  for (auto& blob : *blobs)
    if (blob)
      done.blobs.push_back(std::move(*blob));
  if (done.blobs.empty())
    return unexpected{usage_error("no file could be read: " + done.skipped.named.back().name + " "
                                  + done.skipped.named.back().why)};
  return done;
}

namespace {

void tell_list(const std::vector<skipped_document>& list, std::size_t more,
               const std::string& before, const std::string& between, const std::string& more_of) {
  constexpr std::size_t shown_max = 10;
  auto shown = std::min(list.size(), shown_max);
  for (std::size_t i = 0; i < shown; ++i)
    tell("troupe: " + before + one_line(list[i].name + between + list[i].why) + "\n");
  if (more += list.size() - shown; more > 0)
    tell("troupe: " + before + count_of(more, "more file") + more_of + "\n");
}

} // namespace

json files_json(const std::vector<skipped_document>& list, const char* key) {
  auto files = json::array();
  for (const auto& file : list)
    files.push_back({{"name", file.name}, {key, file.why}});
  return files;
}

void tell_skipped(const skipped_documents& skipped) {
  tell_list(skipped.named, skipped.more, "left out: ", " ", "");
}

void tell_notes(const std::vector<skipped_document>& notes) {
  tell_list(notes, 0, "", ": ", " not read as plain UTF-8");
}

} // namespace troupe::cli
