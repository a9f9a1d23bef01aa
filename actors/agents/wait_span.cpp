#include "actors/agents/wait_span.hpp"

#include "actors/agents/contents.hpp"
#include <algorithm>
#include <utility>

namespace troupe {

namespace {

SpanData begin_here(step_context& context, const asker& who, const span_word& what,
                    std::string_view variable = {}) {
  return begin_span(what, variable, who.inside, context.next_span(), context.time());
}

double milliseconds(std::int64_t ns) {
  return std::chrono::duration<double, std::milli>{std::chrono::nanoseconds{ns}}.count();
}

SpanData begin_state(step_context& context, const asker& who, const span_word& what,
                     std::string_view operation) {
  auto span = begin_here(context, who, what);
  set(span, attr::db_system, "rocksdb");
  set(span, attr::db_operation, operation);
  return span;
}

void note_state(SpanData& span, const Snapshot& state) {
  set(span, attr::state_bytes, state.state().size());
  set(span, attr::state_version, state.version());
}

} // namespace

SpanData begin_wait(step_context& context, const asker& who, const ModelRequest& call) {
  auto span = begin_here(context, who, span_names::chat, call.model());
  set(span, attr::operation, "chat");
  set(span, attr::provider, "troupe"); // until a model has answered
  set(span, attr::agent_name, who.role);
  if (!call.model().empty())
    set(span, attr::request_model, call.model());
  if (call.max_output_tokens() > 0)
    set(span, attr::request_max_tokens, call.max_output_tokens());
  if (call.stream())
    set(span, attr::request_stream, true);
  if (!call.purpose().empty())
    set(span, attr::purpose, call.purpose());
  if (who.contents)
    set_input(span, call);
  return span;
}

SpanData begin_wait(step_context& context, const asker& who, const BlobGet& get) {
  auto span = begin_here(context, who, span_names::get_blob);
  set(span, attr::blob_bytes, get.blob().size_bytes());
  return span;
}

SpanData begin_wait(step_context& context, const asker& who, const BlobsKeep& keep) {
  auto span = begin_here(context, who, span_names::keep_blobs);
  std::uint64_t bytes = 0;
  for (const auto& blob : keep.blobs())
    bytes += blob.size_bytes();
  set(span, attr::blob_bytes, bytes);
  set(span, attr::documents, keep.blobs_size());
  return span;
}

SpanData begin_wait(step_context& context, const asker& who, const ReadingRequest& call) {
  if (call.has_quotes() || call.has_edit())
    return begin_here(context, who, span_names::reading, call.has_edit() ? "edit" : "quotes");
  auto span = begin_here(context, who, span_names::retrieval, who.role);
  set(span, attr::operation, "retrieval");
  set(span, attr::data_source, who.role);
  return span;
}

SpanData begin_wait(step_context& context, const asker& who, const SnapshotGet&) {
  return begin_state(context, who, span_names::load_state, "get");
}

SpanData begin_wait(step_context& context, const asker& who, const SnapshotPut& put) {
  auto span = begin_state(context, who, span_names::write_state, "put");
  note_state(span, put.snapshot());
  return span;
}

void note(SpanData& chat, const ModelAnswer& answer) {
  if (chat.name() == span_names::chat.first && !answer.model().empty()) {
    chat.set_name(name_of(span_names::chat, answer.model())); // the provider's default was asked
    set(chat, attr::request_model, answer.model());
  }
  if (!answer.provider().empty())
    set(chat, attr::provider, answer.provider());
  set(chat, attr::response_model, answer.model());
  auto is_input = [](const SpanAttribute& one) { return one.key() == attr::input_messages.key; };
  if (std::any_of(chat.attributes().begin(), chat.attributes().end(), is_input))
    set_output(chat, answer); // contents are to be seen
  if (!answer.id().empty())
    set(chat, attr::response_id, answer.id());
  if (!answer.finish_reason().empty())
    set_list(chat, attr::finish_reasons, answer.finish_reason());
  set(chat, attr::input_tokens, answer.input_tokens());
  set(chat, attr::output_tokens, answer.output_tokens());
  if (answer.began_ns() > 0)
    set(chat, attr::model_wait,
        milliseconds(std::max<std::int64_t>(answer.began_ns() - chat.start_ns(), 0)));
}

void note_first_piece(SpanData& chat, instant at) {
  std::chrono::duration<double> took =
      at.time_since_epoch() - std::chrono::nanoseconds{chat.start_ns()};
  set(chat, attr::first_chunk, took.count());
}

void note(SpanData& get_blob, const BlobData& data) {
  set(get_blob, attr::blob_bytes, data.bytes().size());
}

void note(SpanData& get_blob, const BlobFound& found) {
  set(get_blob, attr::blob_cached, found.cached());
  if (auto holder = node_from_bytes(found.holder()))
    set(get_blob, attr::blob_holder, to_string(holder));
  if (found.waiters() > 0)
    set(get_blob, attr::blob_waiters, found.waiters());
}

void note(SpanData& load_state, const Snapshot& found) { note_state(load_state, found); }

void note(step_context& context, SpanData& reading, const ReadingTimes& times) {
  auto inside = context_of(reading, {{}, {}, trace_context::flag_sampled});
  for (const auto& wait : times.waits()) {
    auto from = std::max(wait.from_ns(), reading.start_ns());
    auto span = begin_span(span_names::get_blob, {}, inside, context.next_span(),
                           instant{std::chrono::nanoseconds{from}});
    set(span, attr::blob_bytes, wait.size_bytes());
    note(span, wait.found());
    if (wait.has_why())
      set_failed(span, from_proto(wait.why()));
    set_end(span, instant{std::chrono::nanoseconds{wait.until_ns()}});
    context.out.spans.push_back(std::move(span));
  }
  set(reading, attr::documents, times.documents());
  if (times.began_ns() > 0) {
    auto began = std::max(times.began_ns(), reading.start_ns());
    set(reading, attr::reading_wait, milliseconds(began - reading.start_ns()));
    set(reading, attr::reading_work, milliseconds(times.work_ns()));
    add(reading, event_at(happening::started, instant{std::chrono::nanoseconds{began}}));
  }
  if (reading.name().starts_with(span_names::retrieval.first)) {
    set(reading, attr::passages_read, times.passages());
    set(reading, attr::passages_chosen, times.chosen());
  }
}

} // namespace troupe
