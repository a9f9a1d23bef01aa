#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

/// The one place that names what traces are made of: spans, their attributes and their events. The
/// semantic conventions of OpenTelemetry (1.41.1) name what begins with `gen_ai.`, `db.`, `error.`,
/// `host.` and the like; a later version of them is a change of this file. What is ours begins with
/// `troupe.`.
///
/// docs/traces.md is `describe_traces()`; a test compares them. Which attributes and events a span
/// may have is a row of the table in trace_words.cpp; a test compares it with what a run sends.
namespace troupe {

/// As in OTLP.
enum class span_kind : std::uint32_t {
  internal = 1,
  server = 2,
  client = 3,
  producer = 4,
  consumer = 5
};

inline constexpr std::string_view schema_url = "https://opentelemetry.io/schemas/1.41.0";

/// A key, the type of its value, and what it says.
struct attribute_word {
  std::string_view key;
  std::string_view type; ///< as docs/traces.md calls it
  std::string_view about;

  constexpr operator std::string_view() const noexcept { return key; } // NOLINT: it is its key
};

/// Something that happens while a span lasts.
struct event_word {
  std::string_view name;
  std::string_view about;
};

/// A kind of span. Names are of low cardinality: the variable is a role, a step of a graph, a
/// model; never a key, an index or a text of a user.
struct span_word {
  std::string_view first;    ///< "task"
  std::string_view variable; ///< what follows it: "step"; empty: nothing
  span_kind kind;
  std::string_view about;
};

/// "task read", or `first` alone.
std::string name_of(const span_word& what, std::string_view variable);

namespace attr {

inline constexpr std::string_view text = "text", integer = "integer", number = "number",
                                  flag = "flag", texts = "list of texts";

// -- of every span ------------------------------------------------------------------------------

inline constexpr attribute_word node_name{
    "troupe.node.name", text,
    "the node that made the span; of a client's span the node that let it in, if one did"};
inline constexpr attribute_word error_type{"error.type", text,
                                           "why it failed: the error code; only on failure"};

// -- of the GenAI conventions -------------------------------------------------------------------

inline constexpr attribute_word operation{"gen_ai.operation.name", text,
                                          "invoke_workflow, invoke_agent, chat, embeddings or "
                                          "retrieval"};
inline constexpr attribute_word provider{"gen_ai.provider.name", text,
                                         "whose API the model was asked by: `openai`, `anthropic`, "
                                         "`offline`, `simulated`; `troupe` where "
                                         "none was, or nobody has it"};
inline constexpr attribute_word configured_provider{
    "troupe.provider", text, "whose model was asked, as the configuration calls the provider"};
inline constexpr attribute_word workflow{"gen_ai.workflow.name", text, "the graph"};
inline constexpr attribute_word agent_name{"gen_ai.agent.name", text, "the role"};
inline constexpr attribute_word agent_id{"gen_ai.agent.id", text,
                                         "the agent: `librarian/ada`, or a pool's `reader#3`"};
inline constexpr attribute_word agent_description{"gen_ai.agent.description", text,
                                                  "what the role is for"};
inline constexpr attribute_word conversation{"gen_ai.conversation.id", text,
                                             "the key of an agent that talks: `ada`"};
inline constexpr attribute_word request_model{"gen_ai.request.model", text,
                                              "the model asked, as its provider calls it"};
inline constexpr attribute_word request_max_tokens{"gen_ai.request.max_tokens", integer,
                                                   "what the answer may have at most"};
inline constexpr attribute_word request_stream{"gen_ai.request.stream", flag,
                                               "the answer comes in pieces; only if so"};
inline constexpr attribute_word request_temperature{"gen_ai.request.temperature", number,
                                                    "as asked; only if so"};
inline constexpr attribute_word request_top_p{"gen_ai.request.top_p", number,
                                              "as asked; only if so"};
inline constexpr attribute_word request_seed{"gen_ai.request.seed", integer,
                                             "as asked; only if so"};
inline constexpr attribute_word request_stops{"gen_ai.request.stop_sequences", texts,
                                              "as asked; only if so"};
inline constexpr attribute_word request_choices{"gen_ai.request.choice.count", integer,
                                                "answers asked for; only if more than one"};
inline constexpr attribute_word dimensions{"gen_ai.embeddings.dimension.count", integer,
                                           "numbers of each vector"};
inline constexpr attribute_word response_model{"gen_ai.response.model", text,
                                               "the model that answered"};
inline constexpr attribute_word response_id{"gen_ai.response.id", text, "of this answer"};
inline constexpr attribute_word finish_reasons{
    "gen_ai.response.finish_reasons", texts,
    "why the answer ended, in the provider's words: stop, "
    "end_turn, tool_use; length or max_tokens when it was cut"};
inline constexpr attribute_word first_chunk{"gen_ai.response.time_to_first_chunk", number,
                                            "seconds from the request to the first piece"};
inline constexpr attribute_word input_tokens{"gen_ai.usage.input_tokens", integer,
                                             "tokens of the prompts"};
inline constexpr attribute_word output_tokens{"gen_ai.usage.output_tokens", integer,
                                              "tokens of the answers"};
inline constexpr attribute_word cached_tokens{"gen_ai.usage.cache_read.input_tokens", integer,
                                              "of the prompt, from the provider's cache; if any"};
inline constexpr attribute_word cache_written_tokens{
    "gen_ai.usage.cache_creation.input_tokens", integer,
    "of the prompt, written into the provider's cache; if any"};
inline constexpr attribute_word reasoning_tokens{"gen_ai.usage.reasoning.output_tokens", integer,
                                                 "of the answer, for thinking; if any"};
inline constexpr attribute_word cost{
    "troupe.cost_usd", number,
    "of the models' calls that were answered, by the price list; only if a price is known. A call "
    "that "
    "was cancelled or broke off counts as nothing, whatever its provider bills"};
inline constexpr attribute_word input_messages{"gen_ai.input.messages", text,
                                               "the prompt as JSON; only with telemetry.contents"};
inline constexpr attribute_word output_messages{"gen_ai.output.messages", text,
                                                "the answer as JSON; only with telemetry.contents"};
inline constexpr attribute_word data_source{"gen_ai.data_source.id", text,
                                            "whose documents: the role"};

// -- runs and tasks -----------------------------------------------------------------------------

inline constexpr attribute_word run_id{"troupe.run.id", text, "the run, 32 hex digits"};
inline constexpr attribute_word tasks{"troupe.tasks", integer, "tasks of the run"};
inline constexpr attribute_word tasks_failed{"troupe.tasks.failed", integer,
                                             "tasks that failed for good; only if any"};
inline constexpr attribute_word tasks_retried{"troupe.tasks.retried", integer,
                                              "attempts that another one followed; only if any"};
inline constexpr attribute_word tasks_not_run{"troupe.tasks.not_run", integer,
                                              "tasks that were not begun, also because the run was "
                                              "cancelled; only if any"};
inline constexpr attribute_word cancel_reason{
    "troupe.cancel.reason", text,
    "client_timeout, interrupted (Ctrl-C), client_gone or requested; only if it was cancelled"};
inline constexpr attribute_word written_for{
    "troupe.written_for", text,
    "the node, or `troupe-cli`, whose span this is: it was lost, and another process wrote what it "
    "knew"};
inline constexpr attribute_word task_id{"troupe.task.id", text, "the task: `read[3]`"};
inline constexpr attribute_word task_index{"troupe.task.index", integer,
                                           "which element of `for_each`, from 0; only there"};
inline constexpr attribute_word task_label{"troupe.task.label", text,
                                           "what a person calls it: `read GPL-3`"};
inline constexpr attribute_word task_attempt{"troupe.task.attempt", integer, "from 1"};
inline constexpr attribute_word task_node{"troupe.task.node", text,
                                          "the node that the attempt was offered to"};
inline constexpr attribute_word task_wait{"troupe.task.wait_ms", number,
                                          "milliseconds from ready to started"};
inline constexpr attribute_word task_outcome{"troupe.task.outcome", text,
                                             "done, failed, cancelled or lost"};
inline constexpr attribute_word queue_wait{"troupe.queue_wait_ms", number,
                                           "of those, in the queue of the node that did it"};
inline constexpr attribute_word link{
    "troupe.link", text, "of a link: `previous_attempt`, the attempt that this one follows"};

// -- agents and what they wait for --------------------------------------------------------------

inline constexpr attribute_word resend_count{
    "troupe.resend_count", integer, "how often the message was sent again; only if it was"};
inline constexpr attribute_word agent_wait{
    "troupe.agent.wait_ms", number,
    "milliseconds from the message's arrival until the agent began with it"};
inline constexpr attribute_word model_wait{
    "troupe.model.wait_ms", number,
    "milliseconds from the request until the model's provider began with it"};
inline constexpr attribute_word agent_work{
    "troupe.agent.work_ms", number,
    "milliseconds that the agent itself worked while it waited for nothing"};
inline constexpr attribute_word http_method{"http.request.method", text, "POST"};
inline constexpr attribute_word http_status{"http.response.status_code", integer,
                                            "what the provider answered"};
inline constexpr attribute_word server_address{"server.address", text, "the provider's host"};
inline constexpr attribute_word server_port{"server.port", integer, "the provider's port"};
inline constexpr attribute_word route{
    "troupe.route", text, "how the model was chosen, if the role names a route; only then"};
inline constexpr attribute_word safety{
    "troupe.safety", text,
    "what was found and what was done, never what it says: `asked secret mask 2`; only if any"};
inline constexpr attribute_word url{"url.full", text, "where the provider is asked"};
inline constexpr attribute_word purpose{"troupe.purpose", text,
                                        "what the call is for: the name of the prompt"};
inline constexpr attribute_word blob_bytes{"troupe.blob.bytes", integer, "its size"};
inline constexpr attribute_word blob_holder{"troupe.blob.holder", text,
                                            "the node that it was fetched from; only if fetched"};
inline constexpr attribute_word blob_cached{"troupe.blob.cached", flag,
                                            "it was in this node's memory"};
inline constexpr attribute_word blob_waiters{"troupe.blob.waiters", integer,
                                             "requests that waited for the same fetch"};
inline constexpr attribute_word passages_read{"troupe.passages.read", integer,
                                              "passages that were looked at"};
inline constexpr attribute_word passages_chosen{"troupe.passages.chosen", integer,
                                                "of those, passages that go into a prompt"};
inline constexpr attribute_word reading_wait{
    "troupe.reading.wait_ms", number,
    "milliseconds from the request until the work on its documents began"};
inline constexpr attribute_word reading_work{"troupe.reading.work_ms", number,
                                             "milliseconds of that work; the rest is waiting"};
inline constexpr attribute_word documents{"troupe.documents", integer,
                                          "documents that were read or kept"};
inline constexpr attribute_word db_system{"db.system.name", text, "rocksdb"};
inline constexpr attribute_word db_operation{"db.operation.name", text, "get or put"};
inline constexpr attribute_word state_bytes{"troupe.state.bytes", integer, "of the agent's state"};
inline constexpr attribute_word state_version{"troupe.state.version", integer,
                                              "counts the writes of the agent's state"};
inline constexpr attribute_word step{
    "troupe.step", integer, "which call of the task, in the order in which it asks, from 1"};
inline constexpr attribute_word step_fact{
    "troupe.step.fact", text, "`begin`, that the call begins; `outcome`, what came of it"};

// -- clients and doors --------------------------------------------------------------------------

inline constexpr attribute_word message{"troupe.message", text, "the kind of the request"};
inline constexpr attribute_word exit_code{"process.exit.code", integer, "of the command"};
inline constexpr attribute_word peer_node{"troupe.peer.node", text,
                                          "the node that the client is attached to"};
inline constexpr attribute_word files{"troupe.upload.files", integer, "files sent"};
inline constexpr attribute_word upload_bytes{"troupe.upload.bytes", integer, "bytes sent"};

// -- of events ----------------------------------------------------------------------------------

inline constexpr attribute_word retry_reason{"troupe.retry.reason", text,
                                             "the error code of the attempt that ended"};
inline constexpr attribute_word retry_delay{"troupe.retry.delay_ms", integer,
                                            "milliseconds until the task is ready again"};
inline constexpr attribute_word retry_from{"troupe.retry.from_node", text,
                                           "the node that the attempt was on"};
inline constexpr attribute_word log_level{"troupe.log.level", text, "warning or error"};
inline constexpr attribute_word log_component{"troupe.log.component", text,
                                              "the part that wrote it"};
inline constexpr attribute_word log_message{"troupe.log.message", text, "the line"};

} // namespace attr

namespace happening {

inline constexpr event_word ready{"ready", "all inputs are there"};
inline constexpr event_word offered{"offered", "to a node: `troupe.task.node`"};
inline constexpr event_word started{"started", "the work begins; what was before is waiting"};
inline constexpr event_word retry{
    "retry", "another attempt follows: `troupe.retry.reason`, `.delay_ms`, `.from_node`"};
inline constexpr event_word not_run{
    "not_run", "a task was given up before any node began it: `troupe.task.id`, `error.type`"};
inline constexpr event_word log{
    "log", "a line of the log, from warning on: `troupe.log.level`, `.component`, `.message`"};

} // namespace happening

/// The spans there are.
namespace span_names {

inline constexpr span_word command{
    "troupe", "command", span_kind::client,
    "a command of a person, `run GRAPH` or `send ROLE`, as the client sees it"};
inline constexpr span_word connect{"connect", "", span_kind::internal,
                                   "the client looks for a node that answers"};
inline constexpr span_word upload{"upload", "", span_kind::internal,
                                  "the client sends the files of a folder"};
inline constexpr span_word wait{"wait", "", span_kind::internal,
                                "the client has asked and waits for the end"};
inline constexpr span_word door{"troupe.door", "message", span_kind::server,
                                "a request of a client at the node it is attached to"};
inline constexpr span_word workflow{"invoke_workflow", "graph", span_kind::internal,
                                    "a run, at the node that owns it"};
inline constexpr span_word task{"task", "step", span_kind::internal,
                                "an attempt at a task, from when it was ready until its result"};
inline constexpr span_word agent{"invoke_agent", "role", span_kind::internal,
                                 "an agent and one message, from its arrival until the answer"};
inline constexpr span_word chat{
    "chat", "model", span_kind::internal,
    "a call of a model, from when the agent asks until it has the answer; of kind client if it "
    "goes to a provider over HTTP"};
inline constexpr span_word embeddings{
    "embeddings", "model", span_kind::internal,
    "texts become vectors, from when the agent asks until it has them; of kind client as `chat`"};
inline constexpr span_word http{"POST", "", span_kind::client,
                                "a call of a provider, from the request until its last byte"};
inline constexpr span_word safety{
    "safety", "", span_kind::internal,
    "something was found in a call of a model that made no call of a provider (docs/safety.md)"};
inline constexpr span_word get_blob{"get blob", "", span_kind::client,
                                    "an agent, or its reading, waits for the bytes of a document"};
inline constexpr span_word keep_blobs{"keep blobs", "", span_kind::client,
                                      "an agent asks its node to keep documents"};
inline constexpr span_word retrieval{"retrieval", "role", span_kind::internal,
                                     "the passages of documents that fit the question"};
inline constexpr span_word reading{
    "reading", "work", span_kind::internal,
    "other work on documents: `quotes` finds a model's quotations, `edit` makes a report"};
inline constexpr span_word load_state{"load state", "", span_kind::client,
                                      "an agent reads its state from the disk"};
inline constexpr span_word write_state{"write state", "", span_kind::client,
                                       "an agent's changed state and its reply go to the disk"};
inline constexpr span_word record_step{
    "record step", "", span_kind::client,
    "an agent waits until a call is recorded: of a durable task by the run's owner, of a message "
    "beside its own state"};

} // namespace span_names

/// What a span may have: a row of the table.
struct span_row {
  const span_word* what;
  std::span<const attribute_word* const> attributes;
  std::span<const event_word* const> events;
};

/// Every span, in the order of docs/traces.md.
std::span<const span_row> span_rows();

/// The row of the span with that name; null if there is no such span.
const span_row* row_of(std::string_view span_name);

/// Whether a span of that row may have an attribute with that key.
bool may_have(const span_row& row, std::string_view key);
bool may_have_event(const span_row& row, std::string_view name);

/// The page docs/traces.md.
std::string describe_traces();

} // namespace troupe
