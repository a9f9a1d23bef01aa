#pragma once

#include "actors/host/client_door.hpp"
#include "actors/host/node_clock.hpp"
#include "actors/host/post.hpp"
#include "actors/host/running_threads.hpp"
#include "actors/logic.hpp"
#include "config/base/failpoint.hpp"
#include "config/limits/mailboxes.hpp"
#include "telemetry/recorder.hpp"
#include "telemetry/trace_sampler.hpp"

#include <caf/error.hpp>
#include <caf/exit_reason.hpp>
#include <caf/sec.hpp>

#include <memory>

namespace troupe {

/// Makes the call. Returns what went wrong in it; empty if nothing did.
template <class Call>
std::string fault_of(Call&& call) {
  try {
    call();
    return {};
  } catch (const std::exception& e) {
    std::string why = e.what();
    return why.empty() ? "an exception without a message" : why;
  } catch (...) {
    return "an unknown exception";
  }
}

/// The reason a shell ends with, given what went wrong in it; empty: it was asked to end.
inline caf::error reason_of_end(const std::string& fault) {
  return fault.empty() ? caf::make_error(caf::exit_reason::user_shutdown)
                       : caf::make_error(caf::sec::runtime_error, fault);
}

/// What every shell of a node shares. Lives longer than the actor system.
struct node_host {
  node_clock clock;
  const time_source* within_steps = &clock; ///< what steps measure with
  metrics counted;
  std::shared_ptr<log_sink> log;
  std::unique_ptr<recorder> spans;
  trace_sampler sampler; ///< of the traces that clients begin
  client_door door;      ///< the spans of what clients ask
  std::unique_ptr<troupe::post> post;
  /// A shell that has worked on so many messages, or for so long, lets others run.
  std::size_t burst_messages_max = limits::burst_messages_max;
  std::chrono::nanoseconds burst_time_max = limits::burst_time_max;
  std::shared_ptr<running_threads> threads = std::make_shared<running_threads>();

  /// Delivers what does not concern the shell itself: messages, spans, log lines.
  void carry_out(outputs& out, caf::execution_unit* unit) {
    if (failpoint_is_set) [[unlikely]]
      for (const auto& message : out.sends)
        reach_failpoint("send", to_string(message.body.kind()));
    post->send_all(out.sends, unit);
    for (auto& span : out.spans)
      spans->record(std::move(span));
    out.spans.clear();
    for (auto& line : out.logs)
      log->write(std::move(line));
    out.logs.clear();
    for (auto kind : out.unread)
      counted.message_unread(is_known(kind) ? to_string(kind) : "unknown");
    out.unread.clear();
  }
};

} // namespace troupe
