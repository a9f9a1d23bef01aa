#pragma once

#include "actors/agents/agent_logic.hpp"
#include "actors/agents/agent_span.hpp"
#include "actors/agents/answer_check.hpp"
#include "actors/agents/own_work.hpp"
#include "actors/agents/reply_stream.hpp"
#include "actors/agents/wait_span.hpp"
#include "actors/agents/work_title.hpp"
#include "actors/message_title.hpp"
#include "config/limits/answers.hpp"
#include "messages/agents.pb.h"
#include "messages/model_usage.hpp"
#include "messages/piece_window.hpp"
#include "messages/spans.pb.h"
#include "telemetry/span.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace troupe {

// The timers of an agent.
inline constexpr std::uint32_t deadline_timer = 1;
inline constexpr std::uint32_t state_timer = 2;
inline constexpr std::uint32_t hold_timer = 3;
inline constexpr std::uint32_t reader_timer = 4;

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
  std::optional<SpanData> call = {}; ///< below it, of the provider: without an end while it lasts
  bool pieces_came = false;
  piece_count came = {}; ///< if it streams
  piece_count told = {}; ///< of those, service::models knows that they were taken

  /// The wait is over, for that reason if it was in vain.
  void end_spans(step_context& context, const failure& why) {
    if (call && call->end_ns() != 0)
      context.out.spans.push_back(*std::exchange(call, std::nullopt));
    end_span(context, call, why);
    end_span(context, span, why);
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
  std::size_t asked = 0;
  model_usage used;
  std::vector<std::string> notes;      ///< on the answers that the reply is made of
  std::optional<std::string> provider; ///< of the last model that answered
  own_work worked;                     ///< only if the trace is sampled
  std::vector<SpanData> ended_spans;   ///< below this message's own, which they wait for

  AgentReply reply; ///< what is to be sent, unless
  failure why;      ///< this is a failure

  bool owed() const noexcept { return request.kind == message_kind::request; }
  void note(std::string words) {
    bool known = std::find(notes.begin(), notes.end(), words) != notes.end();
    if (!known && notes.size() < limits::reply_notes_max)
      notes.push_back(std::move(words));
  }
};

} // namespace troupe
