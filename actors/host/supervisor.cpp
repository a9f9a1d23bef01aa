#include "actors/host/supervisor.hpp"

#include "actors/host/logic_shell.hpp"
#include "actors/host/thread_shell.hpp"
#include "config/limits/supervision.hpp"

#include <caf/event_based_actor.hpp>
#include <caf/exit_reason.hpp>
#include <caf/sec.hpp>
#include <caf/send.hpp>
#include <caf/stateful_actor.hpp>

namespace troupe {

namespace {

struct supervisor_state {
  static inline const char* name = "supervisor";

  supervisor_state() = default;
  supervisor_state(const supervisor_state&) = delete;
  supervisor_state& operator=(const supervisor_state&) = delete;
  /// Killed: otherwise nobody would stop its children.
  ~supervisor_state() {
    for (auto& child : running)
      if (child)
        caf::anon_send(child, atom::stop_v);
  }

  node_host* host = nullptr;
  child_spec spec;
  std::unique_ptr<supervisor_logic> rules;
  std::vector<caf::actor> running; ///< by the child's index; null while the child does not exist
  std::size_t to_start = 0;        ///< the next child that has not been started yet
  std::function<void()> when_all_stand;
};

using supervisor = caf::stateful_actor<supervisor_state>;

void write(supervisor* self, log_level level, std::string text) {
  self->state.host->log->write({level, "supervisor", std::move(text), {}});
}

/// Tells of a transition: the supervisor's name and `what()`.
template <class What>
void tell(supervisor* self, const What& what) {
  debug(*self->state.host->log, "supervisor",
        [&] { return self->state.spec.label + ": " + what(); });
}

/// Tells the next child to stop; ends itself when none is left.
void stop_next(supervisor* self) {
  auto& state = self->state;
  auto index = state.rules->next_to_stop();
  if (index < state.running.size()) {
    tell(self, [&] { return state.spec.children[index].label + " is asked to stop"; });
    caf::anon_send(state.running[index], atom::stop_v);
    self->delayed_send(self, stop_time_of(state.spec.children[index]), atom::stop_v,
                       static_cast<std::uint64_t>(index));
  } else if (state.rules->has_given_up()) {
    self->quit(make_error(caf::sec::runtime_error, state.spec.label + " failed too often"));
  } else {
    self->quit(caf::exit_reason::user_shutdown);
  }
}

/// A child is gone: does what the rules say.
void child_is_gone(supervisor* self, std::size_t index, bool asked, const std::string& how) {
  auto& state = self->state;
  const auto& label = state.spec.children[index].label;
  bool was_stopping = state.rules->stopping();
  if (asked)
    tell(self, [&] { return label + how + " after it was asked to stop"; });
  auto todo = state.rules->ended(index, asked, state.host->clock.now());
  if (todo.what == supervisor_logic::reaction::restart) {
    state.host->counted.plain().restarts.fetch_add(1, std::memory_order_relaxed);
    write(self, log_level::warning, label + how + " and is restarted");
    tell(self, [&] {
      return label + " is restarted in "
             + std::to_string(std::chrono::ceil<std::chrono::milliseconds>(todo.after).count())
             + " ms";
    });
    self->delayed_send(self, todo.after, atom::tick_v, static_cast<std::uint64_t>(index));
  } else if (todo.what == supervisor_logic::reaction::give_up) {
    write(self, log_level::error, label + how + " too often: " + state.spec.label + " gives up");
    stop_next(self);
  } else if (was_stopping) {
    stop_next(self);
  }
}

/// Throws whatever making the child's logic throws.
caf::actor start_service(supervisor* self, const child_spec& child) {
  auto& host = *self->state.host;
  auto where = address::of(child.place, host.post->self());
  auto mind = child.make();
  logic_actor shell;
  if (child.own_thread)
    shell = self->system().spawn<thread_shell, caf::lazy_init>(host, where, std::move(mind));
  else
    shell = self->system().spawn<logic_shell, caf::lazy_init>(host, where, std::move(mind));
  // It begins only once it can be found.
  host.post->place(child.place, shell);
  caf::anon_send(shell, atom::begin_v);
  return caf::actor_cast<caf::actor>(shell);
}

caf::actor start_supervisor(supervisor* self, const child_spec& child, std::size_t index) {
  auto parent = caf::actor_cast<caf::actor>(self);
  auto stands = [parent, number = static_cast<std::uint64_t>(index)] {
    caf::anon_send(parent, atom::begin_v, number);
  };
  return spawn_supervisor(self->system(), *self->state.host, child, stands);
}

void start_child(supervisor* self, std::size_t index) {
  auto& state = self->state;
  auto& child = state.spec.children[index];
  state.rules->started(index);
  auto fault = fault_of([&] {
    auto started = child.place == service::none ? start_supervisor(self, child, index)
                                                : start_service(self, child);
    self->monitor(started);
    state.running[index] = std::move(started);
  });
  if (fault.empty())
    return tell(self, [&] { return child.label + " has started"; });
  write(self, log_level::error, child.label + " cannot be started: " + fault);
  child_is_gone(self, index, false, " failed to start");
}

/// Goes up to the next supervisor among the children, which says when all below it have started.
void start_more(supervisor* self) {
  auto& state = self->state;
  while (state.to_start < state.running.size() && !state.rules->stopping()) {
    auto index = state.to_start++;
    start_child(self, index);
    if (state.spec.children[index].place == service::none)
      return;
  }
  if (state.rules->stopping())
    return;
  if (auto say = std::exchange(state.when_all_stand, {})) { // the first time only
    tell(self, [] { return std::string{"all have started"}; });
    say();
  }
}

/// A child that does not stop in time is killed and not waited for: its step may hang.
void give_up_waiting(supervisor* self, std::size_t index) {
  auto& state = self->state;
  auto child = std::exchange(state.running[index], nullptr);
  if (!child)
    return;
  const auto& spec = state.spec.children[index];
  write(self, log_level::error,
        spec.label + " did not stop within "
            + std::to_string(std::chrono::ceil<std::chrono::seconds>(stop_time_of(spec)).count())
            + " s and is left behind");
  self->demonitor(child);
  if (spec.place != service::none)
    state.host->post->remove(address::of(spec.place), child.id());
  caf::anon_send_exit(child, caf::exit_reason::kill);
  child_is_gone(self, index, true, " was killed");
}

void child_ended(supervisor* self, const caf::down_msg& down) {
  auto& state = self->state;
  for (std::size_t i = 0; i < state.running.size(); ++i) {
    if (!state.running[i] || state.running[i].address() != down.source)
      continue;
    state.running[i] = nullptr;
    if (auto place = state.spec.children[i].place;
        place != service::none) // it may have been killed
      state.host->post->remove(address::of(place), down.source.id());
    child_is_gone(self, i, down.reason == caf::exit_reason::user_shutdown, " ended");
    return;
  }
}

caf::behavior supervise(supervisor* self, node_host* host, child_spec spec,
                        std::function<void()> when_all_stand) {
  auto& state = self->state;
  state.when_all_stand = std::move(when_all_stand);
  state.host = host;
  state.spec = std::move(spec);
  state.rules = std::make_unique<supervisor_logic>(state.spec.rules, state.spec.children.size());
  state.running.resize(state.spec.children.size());
  self->set_down_handler([self](caf::down_msg& down) { child_ended(self, down); });
  start_more(self);
  return {
      [self](atom::begin, std::uint64_t index) {
        if (index + 1 == self->state.to_start) // not one that was restarted
          start_more(self);
      },
      [self](atom::stop) {
        if (!self->state.rules->stopping())
          stop_next(self);
      },
      [self](atom::stop, std::uint64_t index) { give_up_waiting(self, index); },
      [self](atom::tick, std::uint64_t index) {
        if (!self->state.rules->stopping() && !self->state.running[index])
          start_child(self, index);
      },
  };
}

} // namespace

caf::actor spawn_supervisor(caf::actor_system& system, node_host& host, child_spec top,
                            std::function<void()> when_all_stand) {
  return system.spawn(supervise, &host, std::move(top), std::move(when_all_stand));
}

} // namespace troupe
