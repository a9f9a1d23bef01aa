#include "actors/coordination/run_journal.hpp"

#include "config/limits/runs.hpp"

namespace troupe {

void run_journal::start(step_context& context, const address& self) {
  self_ = self;
  session_ = {context.random.next() | 1};
}

void run_journal::note(const active_run& run, const RunEvent& noted) {
  if (!run.durable())
    return;
  auto& into = (noted.has_began() ? begins_ : others_).gathered;
  auto& entry = *into.events.add_entries();
  entry.set_run(to_bytes(run.id));
  noted.SerializeToString(entry.mutable_event());
  into.bytes += entry.event().size();
}

void run_journal::send_when_kept(step_context& context, const active_run& run, envelope message) {
  if (!run.durable())
    return context.out.send(std::move(message));
  hold(run.beginning, run.beginning || run.durability == DURABILITY_SYNC, std::move(message),
       false);
}

void run_journal::ask_again_when_kept(envelope message) {
  hold(others_.empty(), true, std::move(message), true);
}

void run_journal::hold(bool begins, bool synced, envelope message, bool comes_in) {
  auto& into = (begins ? begins_ : others_).gathered;
  into.synced = into.synced || synced;
  into.held.push_back({std::move(message), comes_in});
}

bool run_journal::is_behind() const noexcept {
  return others_.gathered.bytes > limits::run_events_bytes_max
         || begins_.gathered.bytes > limits::run_events_bytes_max;
}

void run_journal::flush(step_context& context) {
  for (auto of : {&begins_, &others_})
    if (!of->on_its_way && !of->gathered.empty()) {
      of->on_its_way = std::exchange(of->gathered, {});
      send_bundle(context, *of);
    }
}

void run_journal::send_bundle(step_context& context, lane& of) {
  auto append = of.on_its_way->events; // kept: the journal may have no room for the message
  append.set_unsynced(!of.on_its_way->synced);
  append.set_begins(of.begins);
  auto request = make_envelope(message_kind::request, address::of(service::journal, self_.node),
                               std::move(append));
  of.number = ++requests_;
  request.id = {session_, of.number};
  request.sender = self_;
  context.out.send(std::move(request));
}

void run_journal::timer_fired(step_context& context) {
  for (auto of : {&begins_, &others_})
    if (of->on_its_way && of->number == 0)
      send_bundle(context, *of);
}

void run_journal::stop(step_context& context) {
  timer_fired(context);
  for (auto of : {&begins_, &others_}) {
    if (of->gathered.events.entries().empty())
      continue;
    of->on_its_way = std::exchange(of->gathered, {});
    of->on_its_way->synced = true;
    send_bundle(context, *of);
  }
}

run_journal::answer run_journal::take_answer(step_context& context, envelope& reply) {
  answer made;
  auto& of = reply.id.sequence == begins_.number ? begins_ : others_;
  if (!of.on_its_way || of.number != reply.id.sequence)
    return made;
  auto why = failure_in(reply);
  if (!why) {
    release(context, of, made);
  } else if (why->code == ec::overloaded || (!of.begins && why->code == ec::storage_failed)) {
    of.number = 0; // nothing was tried: it waits for room in the mailbox, or on the disk
    context.out.arm(timer_, limits::journal_retry_after);
  } else if (why->code == ec::storage_failed) {
    for (const auto& entry : of.on_its_way->events.entries())
      made.refused.push_back({run_from_bytes(entry.run()), *why});
    for (auto& held : of.on_its_way->held)
      if (held.comes_in)
        made.again.push_back(std::move(held.message));
    of.on_its_way.reset();
  } else {
    made.broken = std::move(why);
  }
  return made;
}

void run_journal::release(step_context& context, lane& of, answer& into) {
  auto written = *std::exchange(of.on_its_way, std::nullopt);
  if (of.begins)
    for (const auto& entry : written.events.entries())
      into.begun.push_back(run_from_bytes(entry.run()));
  for (auto& held : written.held) {
    if (held.comes_in)
      into.again.push_back(std::move(held.message));
    else
      context.out.send(std::move(held.message));
  }
}

} // namespace troupe
