#pragma once

#include "actors/agents/agent_logic.hpp"
#include "actors/agents/agent_span.hpp"
#include "actors/agents/answer_check.hpp"
#include "actors/agents/own_work.hpp"
#include "actors/agents/reply_stream.hpp"
#include "actors/agents/step_history.hpp"
#include "actors/agents/wait_span.hpp"
#include "actors/agents/work_title.hpp"
#include "actors/message_title.hpp"
#include "config/limits/answers.hpp"
#include "messages/agents.pb.h"
#include "messages/model_usage.hpp"
#include "messages/models.pb.h"
#include "messages/piece_window.hpp"
#include "messages/spans.pb.h"
#include "telemetry/span.hpp"

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace troupe {

// The timers of an agent.
inline constexpr std::uint32_t deadline_timer = 1;
inline constexpr std::uint32_t state_timer = 2;
inline constexpr std::uint32_t hold_timer = 3;
inline constexpr std::uint32_t reader_timer = 4;
inline constexpr std::uint32_t steps_timer = 5;

/// A request of the mind that has not been answered yet.
struct agent_logic::ask {
  std::uint64_t sequence = 0; ///< its message's
  std::uint32_t request = 0;  ///< the mind's number for it
  enum class subject : std::uint8_t { model, embeddings, blob, keep, reading };
  subject of = subject::model;
  bool streams = false;
  hold_back held{""};
  answer_terms terms = {};           ///< of a model
  std::optional<SpanData> span = {}; ///< only if the trace is sampled
  /// Below it, of providers: one of each attempt, without an end while it lasts.
  std::vector<SpanData> calls = {};
  bool pieces_came = false;
  piece_count came = {};  ///< if it streams
  piece_count told = {};  ///< of those, service::models knows that they were taken
  std::uint32_t step = 0; ///< its number, if the task is durable and this is one

  /// The wait is over, for that reason if it was in vain.
  void end_spans(step_context& context, const failure& why) {
    for (auto& call : std::exchange(calls, {})) {
      if (call.end_ns() != 0) {
        context.out.spans.push_back(std::move(call));
        continue;
      }
      std::optional<SpanData> open{std::move(call)};
      end_span(context, open, why);
    }
    end_span(context, span, why);
  }
  void take_call(SpanData latest) {
    auto known = std::find_if(calls.begin(), calls.end(),
                              [&](const SpanData& one) { return one.span() == latest.span(); });
    if (known == calls.end())
      calls.push_back(std::move(latest));
    else
      *known = std::move(latest);
  }
};

inline service agent_logic::service_of(const ask& one) {
  switch (one.of) {
    case ask::subject::model:
    case ask::subject::embeddings:
      return service::models;
    case ask::subject::blob:
    case ask::subject::keep:
      return service::blobs;
    case ask::subject::reading:
      break;
  }
  return service::reading;
}

/// The steps of what is worked on: a task of a durable run, recorded by the run's owner; or a
/// message to a durable agent that may be repeated, recorded by the agent's own store.
struct agent_logic::task_steps {
  /// A step that is not at the models now, or something read that is not heard yet.
  struct open_step {
    enum class stage : std::uint8_t {
      beginning, ///< who records is told that the call begins; then it is made
      recording, ///< who records is told what came of it; then the mind hears it
      outcome,   ///< the mind may hear it in its turn
      known,     ///< the same, as it was recorded in an earlier attempt
    };
    stage now = stage::beginning;
    ask asked;
    model_call call = {};                   ///< to be made
    std::optional<mind_event> outcome = {}; ///< of this attempt
    std::optional<StepRecord> passing = {}; ///< not recorded, because it may pass
    std::uint64_t told_by = 0;              ///< number of the message that awaits its answer
    instant told_at = {};
    std::uint16_t told_times = 0;
    payload told = {};                 ///< that message, until it is answered
    std::optional<SpanData> wait = {}; ///< for that answer, if the trace is sampled
    std::uint32_t place = 0;           ///< of what is no step

    bool waits_for_owner() const { return now == stage::beginning || now == stage::recording; }
  };

  explicit task_steps(TaskWork& todo, std::shared_ptr<const role> as)
      : run(todo.task().run()), index(todo.task().index()), attempt(todo.task().attempt()),
        owner(node_from_bytes(todo.owner())), kind(std::move(as)),
        history(std::move(*todo.mutable_task()->mutable_steps())) {}
  /// `known`: of the message, from earlier lives of the agent.
  task_steps(StepsMade known, std::uint64_t state_version, std::shared_ptr<const role> as)
      : recorder(service::state), kind(std::move(as)),
        may_ask_otherwise(known.has_message()
                          && (known.message().state_version() != state_version
                              || (known.message().role_hash() != 0 // 0: not known
                                  && known.message().role_hash() != kind->definition_hash))),
        history(std::move(*known.mutable_steps())), unknown(known.message().unknown()) {}

  service recorder = service::coordinator;
  std::string run;
  std::uint32_t index = 0;
  std::uint32_t attempt = 0;
  node_id owner;                    ///< of the run; zero: this node
  std::shared_ptr<const role> kind; ///< as it was when the run began
  /// Of a message: since its known steps were recorded its agent's state or role has changed.
  bool may_ask_otherwise = false;
  step_history history;
  std::vector<open_step> open;
  bool timer_armed = false;
  std::uint32_t replaces_from = 0; ///< known steps from here on no longer hold
  std::uint32_t unknown = 0;       ///< calls of the message that may be paid for twice

  std::string_view recorder_name() const {
    return recorder == service::state ? "the agent's own store" : "the owner of the run";
  }

  bool wait_for_owner() const {
    return std::any_of(open.begin(), open.end(),
                       [](const auto& one) { return one.waits_for_owner(); });
  }
};

/// The message being worked on, from its first decision until its reply is sent.
struct agent_logic::work : waiting {
  work(waiting taken, instant now)
      : waiting(std::move(taken)), began(now),
        inside(span ? context_of(*span, request.trace) : request.trace), stream(request.attempt) {}

  instant began;
  instant deadline;
  bool deadline_armed = false;
  bool is_task = false;
  trace_context inside; ///< of everything this message causes
  reply_stream stream;
  bool reader_is_watched = false;    ///< `reader_timer` runs, for a reader who tells
  bool asks_reader_soon = false;     ///< it runs for `stream_asks_every`
  bool was_held_up = false;          ///< by its reader, when that was looked at last
  std::optional<instant> gone_since; ///< the asker, as its node says
  std::vector<ask> asks;
  std::unique_ptr<task_steps> steps; ///< null: what its mind asks is recorded nowhere
  std::size_t asked = 0;
  model_usage used;
  std::vector<std::string> notes;      ///< on the answers that the reply is made of
  std::optional<std::string> provider; ///< of the last model that answered
  own_work worked;                     ///< only if the trace is sampled
  std::vector<SpanData> ended_spans;   ///< below this message's own, which they wait for

  AgentReply reply; ///< what is to be sent, unless
  failure why;      ///< this is a failure

  bool waits() const { return !asks.empty() || (steps && steps->wait_for_owner()); }
  bool owed() const noexcept { return request.kind == message_kind::request; }
  void note(std::string words) {
    bool known = std::find(notes.begin(), notes.end(), words) != notes.end();
    if (!known && notes.size() < limits::reply_notes_max)
      notes.push_back(std::move(words));
  }
};

} // namespace troupe
