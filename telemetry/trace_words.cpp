#include "telemetry/trace_words.hpp"

#include <algorithm>
#include <array>
#include <vector>

namespace troupe {

namespace {

using attributes = std::vector<const attribute_word*>;
using events = std::vector<const event_word*>;

struct owned_row {
  const span_word* what;
  attributes has;
  events happen;
};

/// What every span may have.
const attributes& common() {
  static const attributes all{&attr::node_name, &attr::error_type};
  return all;
}

const attributes& of_chat() {
  using namespace attr;
  static const attributes all{&operation,
                              &provider,
                              &configured_provider,
                              &request_model,
                              &request_max_tokens,
                              &request_temperature,
                              &request_top_p,
                              &request_seed,
                              &request_stops,
                              &request_choices,
                              &request_stream,
                              &response_model,
                              &response_id,
                              &finish_reasons,
                              &first_chunk,
                              &input_tokens,
                              &output_tokens,
                              &cached_tokens,
                              &cache_written_tokens,
                              &reasoning_tokens,
                              &cost,
                              &agent_name,
                              &purpose,
                              &model_wait,
                              &input_messages,
                              &output_messages};
  return all;
}

const std::vector<owned_row>& table() {
  using namespace attr;
  static const std::vector<owned_row> rows{
      {&span_names::command,
       {&attr::run_id, &agent_id, &cancel_reason, &exit_code, &written_for},
       {}},
      {&span_names::connect, {&peer_node}, {}},
      {&span_names::upload, {&files, &upload_bytes, &written_for}, {}},
      {&span_names::wait, {&peer_node, &written_for}, {}},
      {&span_names::door, {&message, &written_for}, {}},
      {&span_names::workflow,
       {&operation, &workflow, &attr::run_id, &tasks, &tasks_failed, &tasks_retried, &tasks_not_run,
        &input_tokens, &output_tokens, &cost, &cancel_reason, &written_for},
       {&happening::retry, &happening::not_run, &happening::log}},
      {&span_names::task,
       {&task_id, &task_index, &task_label, &task_attempt, &task_node, &task_wait, &queue_wait,
        &task_outcome, &agent_name, &attr::run_id, &link},
       {&happening::ready, &happening::offered, &happening::started}},
      {&span_names::agent,
       {&operation, &provider, &configured_provider, &agent_name, &agent_id, &agent_description,
        &conversation, &request_model, &input_tokens, &output_tokens, &cost, &task_attempt,
        &task_label, &resend_count, &agent_wait, &agent_work},
       {&happening::started, &happening::log}},
      {&span_names::chat, of_chat(), {}},
      {&span_names::embeddings,
       {&operation, &provider, &configured_provider, &request_model, &response_model, &dimensions,
        &input_tokens, &cost, &agent_name, &purpose, &model_wait},
       {}},
      {&span_names::http,
       {&http_method, &url, &server_address, &server_port, &http_status, &provider,
        &configured_provider, &attr::route, &attr::safety},
       {}},
      {&span_names::safety, {&attr::safety}, {}},
      {&span_names::get_blob,
       {&blob_bytes, &blob_holder, &blob_cached, &blob_waiters},
       {&happening::log}},
      {&span_names::keep_blobs, {&blob_bytes, &documents}, {}},
      {&span_names::retrieval,
       {&operation, &data_source, &documents, &passages_read, &passages_chosen, &reading_wait,
        &reading_work},
       {&happening::started}},
      {&span_names::reading, {&documents, &reading_wait, &reading_work}, {&happening::started}},
      {&span_names::load_state, {&db_system, &db_operation, &state_bytes, &state_version}, {}},
      {&span_names::write_state, {&db_system, &db_operation, &state_bytes, &state_version}, {}},
      {&span_names::record_step, {&attr::step, &step_fact}, {}},
  };
  return rows;
}

std::string_view to_text(span_kind kind) {
  switch (kind) {
    case span_kind::internal:
      return "internal";
    case span_kind::server:
      return "server";
    case span_kind::client:
      return "client";
    case span_kind::producer:
      return "producer";
    case span_kind::consumer:
      return "consumer";
  }
  return "internal";
}

std::string shown_name(const span_word& what) {
  std::string made{what.first};
  if (!what.variable.empty())
    made += " {" + std::string{what.variable} + "}";
  return made;
}

void add_row(std::string& page, std::string_view first, std::string_view type,
             std::string_view about) {
  ((((page += "| `") += first) += "` | ") += type) += " | ";
  (page += about) += " |\n";
}

constexpr std::string_view head =
    R"(# Traces

Every span that Troupe sends, with its attributes and events. This page is made from
`telemetry/trace_words.cpp`: `troupe trace --words > docs/traces.md`; a test fails if it is old.

Names are those of the semantic conventions of OpenTelemetry 1.41.1 where there are any; `troupe.*`
is ours. A name in braces is the part that varies: a graph, a step, a role, a model. Indexes and
keys are attributes: search for `troupe.task.label="read GPL-3"`, `gen_ai.agent.id=librarian/ada`,
`troupe.run.id=...`, `error.type=timed_out`.

A command whose time is over (`--timeout`) is `timed_out`. It then cancels its run, so the run is
`cancelled`, with `troupe.cancel.reason=client_timeout`. A command with a wrong option leaves no
trace. One that is refused before a node lets it in, also with exit code 64, leaves one only where
its own environment names a collector: no node knows of it.

## Resource

| attribute | what |
|---|---|
| `service.name` | `troupe` (`telemetry.service_name`, `OTEL_SERVICE_NAME`), or `troupe-cli` |
| `service.namespace` | the cluster |
| `service.instance.id` | the node's id |
| `service.version` | the version of Troupe |
| `troupe.node.name`, `troupe.node.incarnation` | the node, and how often it was started |
| `host.name`, `host.ip`, `process.pid` | where it runs |
| `ip` | the first of `host.ip`: Jaeger 1 knows a host by it |
| `telemetry.sdk.name`, `.language`, `.version` | `troupe`, `cpp`, its version |

## Every span

| attribute | type | what |
|---|---|---|
)";

} // namespace

std::string name_of(const span_word& what, std::string_view variable) {
  std::string made{what.first};
  if (!what.variable.empty() && !variable.empty())
    (made += ' ') += variable;
  return made;
}

std::span<const span_row> span_rows() {
  static const std::vector<span_row> rows = [] {
    std::vector<span_row> made;
    for (const auto& row : table())
      made.push_back({row.what, row.has, row.happen});
    return made;
  }();
  return rows;
}

const span_row* row_of(std::string_view span_name) {
  for (const auto& row : span_rows()) {
    auto first = row.what->first;
    if (span_name == first
        || (!row.what->variable.empty() && span_name.starts_with(first)
            && span_name[first.size()] == ' '))
      return &row;
  }
  return nullptr;
}

bool may_have(const span_row& row, std::string_view key) {
  auto is = [key](const attribute_word* word) { return word->key == key; };
  return std::any_of(common().begin(), common().end(), is)
         || std::any_of(row.attributes.begin(), row.attributes.end(), is);
}

bool may_have_event(const span_row& row, std::string_view name) {
  return std::any_of(row.events.begin(), row.events.end(),
                     [name](const event_word* word) { return word->name == name; });
}

std::string describe_traces() {
  std::string page{head};
  for (auto word : common())
    add_row(page, word->key, word->type, word->about);
  for (const auto& row : span_rows()) {
    ((page += "\n## `") += shown_name(*row.what)) += "`\n\n";
    std::string about{row.what->about};
    about.front() = static_cast<char>(about.front() - 'a' + 'A');
    ((page += about) += ". Kind ") += to_text(row.what->kind);
    page += ".\n\n| attribute | type | what |\n|---|---|---|\n";
    for (auto word : row.attributes)
      add_row(page, word->key, word->type, word->about);
    if (row.events.empty())
      continue;
    page += "\n| event | what |\n|---|---|\n";
    for (auto word : row.events)
      (((page += "| `") += word->name) += "` | ") += std::string{word->about} + " |\n";
  }
  return page;
}

} // namespace troupe
