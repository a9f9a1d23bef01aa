#pragma once

#include "messages/envelope.hpp"
#include "messages/spans.pb.h"
#include "telemetry/log.hpp"
#include "telemetry/span.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <variant>
#include <vector>

/// The shape of everything that decides: `step(event) -> outputs`. A logic reads no clock, draws no
/// random numbers and does no I/O; all of that is passed in. In a node each logic is owned by one
/// actor (actors/host/logic_shell.hpp); the simulator hosts many nodes' logics in one thread
/// (tests/sim).
namespace troupe {

class logic;

/// A timer that was set with `outputs::arm` has run out.
struct timer_fired {
  std::uint32_t timer = 0;
};

/// A logic that was started with `outputs::start` has ended without being asked to.
struct child_failed {
  name child;
  std::string why;
};

/// A logic that was started with `outputs::start` has ended without a fault: it asked to leave, or
/// somebody else stopped it. Its name is free: the next message for it goes to the service that
/// starts agents.
struct child_ended {
  name child;
};

using event = std::variant<envelope, timer_fired, child_failed, child_ended>;

/// Random numbers from the host: from the system in a node, from the seed in the simulator.
class random_source {
public:
  virtual ~random_source() = default;
  virtual std::uint64_t next() = 0;
};

/// Tells the time while a step works. What a logic decides must not depend on it; what is measured
/// may.
class time_source {
public:
  virtual ~time_source() = default;
  virtual instant now() const = 0;
};

/// What a step wants to happen. The host carries it out in this order: stops, starts, sends,
/// timers, spans and log lines, and finally the wish to leave. Messages to one receiver arrive in
/// order. A logic that is started in a step gets the messages sent to it in that step first. From
/// then on nobody can find a stopped logic, whatever it still does.
struct outputs {
  struct timer {
    std::uint32_t id = 0;
    std::chrono::nanoseconds after{0};
  };
  struct child {
    name agent;
    std::unique_ptr<logic> mind;
  };

  std::vector<envelope> sends;
  std::vector<timer> timers;
  std::vector<child> starts;
  std::vector<name> stops;
  std::vector<SpanData> spans;
  std::vector<log_line> logs;
  std::vector<payload_kind> unread; ///< messages that the logic could not read, to be counted
  bool leaves = false;
  bool debugs = false; ///< lines at debug are wanted; the host says so before the first step

  void send(envelope message) { sends.push_back(std::move(message)); }
  /// Arms timer `id` again: a running timer with that id is forgotten. Zero cancels it.
  void arm(std::uint32_t id, std::chrono::nanoseconds after) { timers.push_back({id, after}); }
  /// Makes `agent` reachable by its name on this node. Its failure comes back as `child_failed`,
  /// any other end as `child_ended`, each before any message that comes back because of that end.
  void start(name agent, std::unique_ptr<logic> mind) {
    starts.push_back({std::move(agent), std::move(mind)});
  }
  /// Ends an agent that this logic has started; requests that wait for it are answered
  /// `unavailable`. The agent is then forgotten: nothing more is heard of it.
  void stop(name agent) { stops.push_back(std::move(agent)); }
  /// An agent wishes to end because it has nothing more to do. The host grants the wish if no
  /// message waits: then `stop` is called, the logic is destroyed, the logic that started it hears
  /// `child_ended`, and the next message for its name starts it again. No message is lost, repeated
  /// or overtaken. If a message waits, the wish is forgotten: the next step is for that message,
  /// and the logic may ask again.
  void leave() { leaves = true; }
  void log(log_level level, std::string_view component, std::string text, trace_id trace = {}) {
    logs.push_back({level, component, std::move(text), trace});
  }
  /// Tells of a transition at debug. `text` is a function that returns the line: it is called only
  /// if such lines are wanted, so a step that is not watched formats and allocates nothing.
  ///
  ///     context.out.debug("queue", [&] { return "task " + to_string(key) + " waits"; }, trace);
  template <class Text>
  void debug(std::string_view component, const Text& text, trace_id trace = {}) {
    if (debugs)
      log(log_level::debug, component, text(), trace);
  }
  bool empty() const noexcept {
    return sends.empty() && timers.empty() && starts.empty() && stops.empty() && spans.empty()
           && logs.empty() && unread.empty() && !leaves;
  }
};

/// What a step is given in addition to the event.
struct step_context {
  instant now; ///< when the step began
  random_source& random;
  outputs& out;
  const time_source* clock = nullptr; ///< none: a step takes no time, as in the simulator

  span_id next_span() { return {random.next() | 1}; }

  /// The time at this moment of the step, to measure with. Never before `now`.
  instant time() const { return clock ? std::max(now, clock->now()) : now; }

  /// The span ends at this moment. The messages of a step leave after it, so whoever acts on them
  /// ends later: no child outlives a parent that waited for it.
  void end(SpanData span) {
    set_end(span, time());
    out.spans.push_back(std::move(span));
  }

  /// A line about what `span` is for: it has the span's trace. From `warning` on it is also an
  /// event of the span.
  void log(SpanData& span, log_level level, std::string_view component, std::string text) {
    if (level >= log_level::warning)
      add_log_event(span, to_string(level), component, text, time());
    out.log(level, component, std::move(text), {span.trace_hi(), span.trace_lo()});
  }
};

class logic {
public:
  virtual ~logic() = default;

  /// Called once, before the first event. `self` is the address of this logic.
  virtual void start(step_context&, const address& /*self*/) {}

  virtual void step(step_context& context, event input) = 0;

  /// Nothing more waits for this logic, or the host has made as many steps in a row as it may
  /// (`limits::burst_messages_max`). Called after each such series of steps: what is done once for
  /// many messages is done here, such as one write to the disk for all that came while the disk was
  /// busy.
  virtual void settle(step_context&) {}

  /// Called once, before the end: the last chance to answer waiting requests, also those that were
  /// kept for `settle`.
  virtual void stop(step_context&) {}
};

} // namespace troupe
