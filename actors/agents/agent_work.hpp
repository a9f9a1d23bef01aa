#pragma once

#include "actors/agents/agent_logic.hpp"
#include "actors/agents/agent_span.hpp"
#include "actors/agents/own_work.hpp"
#include "actors/agents/reply_stream.hpp"
#include "actors/agents/wait_span.hpp"
#include "actors/agents/work_title.hpp"
#include "actors/message_title.hpp"
#include "messages/agents.pb.h"
#include "messages/spans.pb.h"
#include "telemetry/span.hpp"

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace troupe {

// The timers of an agent.
inline constexpr std::uint32_t deadline_timer = 1;
inline constexpr std::uint32_t state_timer = 2;
inline constexpr std::uint32_t hold_timer = 3;

/// A request of the mind that has not been answered yet.
struct agent_logic::ask {
  std::uint64_t sequence = 0; ///< its message's
  std::uint32_t request = 0;  ///< the mind's number for it
  enum class subject : std::uint8_t { model, blob, keep, reading };
  subject of = subject::model;
  bool streams = false;
  hold_back held{""};
  std::optional<SpanData> span = {}; ///< only if the trace is sampled
  bool pieces_came = false;
};

inline service agent_logic::service_of(const ask& one) {
  switch (one.of) {
    case ask::subject::model:
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
  std::vector<ask> asks;
  std::size_t asked = 0;
  std::uint64_t input_tokens = 0;
  std::uint64_t output_tokens = 0;
  std::optional<std::string> provider; ///< of the last model that answered
  own_work worked;                     ///< only if the trace is sampled

  AgentReply reply; ///< what is to be sent, unless
  failure why;      ///< this is a failure

  bool owed() const noexcept { return request.kind == message_kind::request; }
};

} // namespace troupe
