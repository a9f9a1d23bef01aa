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

/// What is called: "chat gpt-5", at its provider, as far as the configuration tells. Who is asked
/// over HTTP is another service: the span is of kind client.
SpanData begin_call(step_context& context, const asker& who, const span_word& what,
                    const std::string& model) {
  static const models_catalog only_built_in;
  auto found = resolve_model(who.terms ? who.terms->models : only_built_in, model);
  const auto& name = found ? found->model : model;
  auto span = begin_here(context, who, what, name);
  if (found && found->provider && found->provider->kind != provider_config::api::simulated)
    span.set_kind(static_cast<std::uint32_t>(span_kind::client));
  set(span, attr::operation, what.first);
  set(span, attr::provider,
      !found            ? std::string_view{"troupe"}
      : found->provider ? to_string(found->provider->kind)
                        : std::string_view{"offline"});
  if (found)
    set(span, attr::configured_provider,
        found->provider ? std::string_view{found->provider->name} : std::string_view{"offline"});
  set(span, attr::agent_name, who.role);
  if (!name.empty())
    set(span, attr::request_model, name);
  return span;
}

/// How long the call waited for its provider.
void note_wait(SpanData& span, std::int64_t began_ns) {
  if (began_ns > 0)
    set(span, attr::model_wait,
        milliseconds(std::max<std::int64_t>(began_ns - span.start_ns(), 0)));
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
  auto span = begin_call(context, who, span_names::chat, call.model());
  if (call.max_output_tokens() > 0)
    set(span, attr::request_max_tokens, call.max_output_tokens());
  if (call.has_temperature())
    set(span, attr::request_temperature, call.temperature());
  if (call.has_top_p())
    set(span, attr::request_top_p, call.top_p());
  if (call.has_seed())
    set(span, attr::request_seed, call.seed());
  for (const auto& word : call.stop())
    set_list(span, attr::request_stops, word);
  if (call.n() > 1)
    set(span, attr::request_choices, call.n());
  if (call.stream())
    set(span, attr::request_stream, true);
  if (!call.purpose().empty())
    set(span, attr::purpose, call.purpose());
  if (who.terms && who.terms->contents)
    set_input(span, call);
  return span;
}

SpanData begin_wait(step_context& context, const asker& who, const EmbeddingRequest& call) {
  auto span = begin_call(context, who, span_names::embeddings, call.model());
  if (!call.purpose().empty())
    set(span, attr::purpose, call.purpose());
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
  if (put.has_change())
    set(span, attr::state_version, put.change().version());
  else
    note_state(span, put.snapshot());
  return span;
}

/// The last record is the one that the agent waits for: failures that were heard go before it.
SpanData begin_wait(step_context& context, const asker& who, const StepsMade& made) {
  auto span = begin_here(context, who, span_names::record_step);
  const auto& last = *made.steps().rbegin();
  set(span, attr::step, last.number());
  set(span, attr::step_fact, last.kind() == 0 ? "begin" : "outcome");
  return span;
}

void note_asked(SpanData& agent, const SpanData& chat) {
  for (const auto& one : chat.attributes())
    if (one.key() == attr::provider.key || one.key() == attr::configured_provider.key
        || one.key() == attr::request_model.key)
      set(agent, one.key(), one.text());
}

void note(SpanData& chat, const ModelAnswer& answer) {
  if (!answer.provider().empty())
    set(chat, attr::configured_provider, answer.provider());
  set(chat, attr::response_model, answer.model());
  if (has(chat, attr::input_messages))
    set_output(chat, answer); // contents are to be seen
  if (!answer.id().empty())
    set(chat, attr::response_id, answer.id());
  if (!answer.finish_reason().empty())
    set_list(chat, attr::finish_reasons, answer.finish_reason());
  set_usage(chat, usage_in(answer));
  if (answer.cached_tokens() > 0)
    set(chat, attr::cached_tokens, answer.cached_tokens());
  if (answer.cache_written_tokens() > 0)
    set(chat, attr::cache_written_tokens, answer.cache_written_tokens());
  if (answer.reasoning_tokens() > 0)
    set(chat, attr::reasoning_tokens, answer.reasoning_tokens());
  note_wait(chat, answer.began_ns());
}

void note(SpanData& embeddings, const EmbeddingAnswer& answer) {
  set(embeddings, attr::configured_provider, answer.provider());
  set(embeddings, attr::response_model, answer.model());
  set(embeddings, attr::input_tokens, answer.input_tokens());
  if (!answer.embeddings().empty())
    set(embeddings, attr::dimensions, answer.embeddings(0).values_size());
  set_cost(embeddings, answer.cost_nano_usd());
  note_wait(embeddings, answer.began_ns());
}

void note_first_piece(SpanData& chat, instant at) {
  std::chrono::duration<double> took =
      at.time_since_epoch() - std::chrono::nanoseconds{chat.start_ns()};
  set(chat, attr::first_chunk, took.count());
}

void note(SpanData& get_blob, const BlobData& data) {
  set(get_blob, attr::blob_bytes, data.bytes().size());
}

void note(SpanData& get_blob, const BlobFound& found, instant at) {
  set(get_blob, attr::blob_cached, found.cached());
  if (auto holder = node_from_bytes(found.holder()))
    set(get_blob, attr::blob_holder,
        found.holder_name().empty() ? to_string(holder) : found.holder_name());
  for (const auto& line : found.errors())
    add_log_event(get_blob, "error", "blobs", line, at);
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
    note(span, wait.found(), instant{std::chrono::nanoseconds{wait.until_ns()}});
    if (wait.has_why())
      set_failed(span, from_proto(wait.why()));
    set_end(span, instant{std::chrono::nanoseconds{wait.until_ns()}});
    context.out.spans.push_back(std::move(span));
  }
  if (!reading.name().ends_with(" edit")) // it reads the results of others
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
