#include "actors/coordination/run_journal.hpp"

#include "config/limits/runs.hpp"

#include <algorithm>
#include <iterator>
#include <string>

namespace troupe {

namespace {

void add(JournalAppend& into, const active_run& run, const RunEvent& noted) {
  auto& entry = *into.add_entries();
  entry.set_run(to_bytes(run.id));
  noted.SerializeToString(entry.mutable_event());
}

} // namespace

void run_journal::start(step_context& context, const address& self) {
  self_ = self;
  session_ = {context.random.next() | 1};
}

void run_journal::note(const active_run& run, const RunEvent& noted) {
  if (!run.durable())
    return;
  if (noted.has_left())
    return add(left_, run, noted);
  auto& into = (noted.has_began() ? begins_ : others_).gathered;
  add(into.events, run, noted);
  into.bytes += into.events.entries().rbegin()->event().size();
  if (noted.has_resumed()) {
    into.synced = true; // no other life of the owner may use the numbers of its attempts
    into.resumed.push_back(run.id);
  } else if (noted.has_finished()) {
    into.ended.push_back(run.id);
    auto& open = ends_[run.id] = noted.finished().summary();
    open.set_phase(RUN_GOES_ON);
    open.clear_ended_ms();
    open.clear_failure();
  }
}

void run_journal::send_when_kept(step_context& context, const active_run& run, envelope message) {
  if (!run.durable())
    return context.out.send(std::move(message));
  auto& into = (run.beginning ? begins_ : others_).gathered;
  into.synced = into.synced || run.beginning || run.durability == DURABILITY_SYNC;
  into.held.push_back(std::move(message));
}

// -- requests that wait -------------------------------------------------------------------------

bool run_journal::ask_again_when_begun(const active_run& run, envelope& asked) {
  auto id = to_bytes(run.id);
  const auto& on_its_way = begins_.on_its_way;
  bool is_sent =
      on_its_way
      && std::any_of(on_its_way->events.entries().begin(), on_its_way->events.entries().end(),
                     [&id](const auto& entry) { return entry.run() == id; });
  return hold(is_sent ? *begins_.on_its_way : begins_.gathered, asked);
}

bool run_journal::ask_again_when_kept(envelope& asked) {
  bool all_is_sent = others_.on_its_way && !others_.gathered.has_events();
  return hold(all_is_sent ? *others_.on_its_way : others_.gathered, asked);
}

bool run_journal::hold(bundle& in, envelope& asked) {
  auto bytes = asked.body.wire_size();
  if (requests_held_ >= limits::runs_asked_at_once_max
      || requests_held_bytes_ + bytes > limits::runs_asked_bytes_max)
    return false;
  ++requests_held_;
  requests_held_bytes_ += bytes;
  in.requests_bytes += bytes;
  in.requests.push_back(std::move(asked));
  return true;
}

void run_journal::take_back_requests(bundle& of, answer& into) {
  requests_held_ -= of.requests.size();
  requests_held_bytes_ -= of.requests_bytes;
  std::move(of.requests.begin(), of.requests.end(), std::back_inserter(into.again));
}

// -- how far the journal is behind --------------------------------------------------------------

bool run_journal::is_behind(instant now) const noexcept {
  return others_.gathered.bytes > limits::run_events_bytes_max
         || begins_.gathered.bytes > limits::run_events_bytes_max || is_stalled(now);
}

bool run_journal::is_stalled(instant now) const noexcept {
  return others_.on_its_way
         && (others_.retries > 0 || others_.sent + limits::journal_slow_after <= now);
}

bool run_journal::was_stalled_since(instant then, instant now) const noexcept {
  return is_stalled(now) || (stalled_until_ && *stalled_until_ >= then);
}

// -- to the journal -----------------------------------------------------------------------------

void run_journal::flush(step_context& context) {
  for (auto of : {&begins_, &others_})
    if (!of->on_its_way && !of->gathered.empty()) {
      of->on_its_way = std::exchange(of->gathered, {});
      of->sent = context.now;
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
  of.retry_at.reset();
  request.id = {session_, of.number};
  request.sender = self_;
  context.out.send(std::move(request));
}

void run_journal::send_again_later(step_context& context, lane& of, ec why) {
  auto delay = std::chrono::nanoseconds{limits::journal_retry_after};
  if (why != ec::overloaded)
    for (auto i = of.retries; i > 0 && delay < limits::journal_retry_after_max; --i)
      delay = std::min<std::chrono::nanoseconds>(2 * delay, limits::journal_retry_after_max);
  ++of.retries;
  of.retry_at = context.now + delay;
  arm(context);
}

void run_journal::arm(step_context& context) const {
  std::optional<instant> next;
  for (auto of : {&begins_, &others_})
    if (of->retry_at)
      next = std::min(next.value_or(*of->retry_at), *of->retry_at);
  if (next)
    context.out.arm(timer_, std::max(*next - context.now, std::chrono::nanoseconds{1}));
}

void run_journal::timer_fired(step_context& context) {
  for (auto of : {&begins_, &others_})
    if (of->retry_at && *of->retry_at <= context.now)
      send_bundle(context, *of);
  arm(context);
}

/// What was not taken goes together with what follows it. What only begins is not sent: nobody was
/// told of it.
void run_journal::stop(step_context& context) {
  JournalAppend last;
  if (!others_.is_sent()) {
    if (others_.on_its_way)
      last.MergeFrom(others_.on_its_way->events);
    last.MergeFrom(others_.gathered.events);
  }
  last.MergeFrom(left_);
  if (last.entries().empty())
    return;
  bundle end;
  end.events = std::move(last);
  end.synced = true;
  others_.on_its_way = std::move(end);
  send_bundle(context, others_);
}

// -- its answers --------------------------------------------------------------------------------

run_journal::answer run_journal::take_answer(step_context& context, envelope& reply) {
  answer made;
  auto& of = reply.id.sequence == begins_.number ? begins_ : others_;
  if (!of.is_sent() || of.number != reply.id.sequence)
    return made;
  auto why = failure_in(reply);
  if (!why) {
    release(context, of, made);
  } else if (why->code == ec::overloaded || (!of.begins && why->code == ec::storage_failed)) {
    send_again_later(context, of, why->code); // nothing was tried: it waits for room
  } else if (why->code == ec::storage_failed) {
    for (const auto& entry : of.on_its_way->events.entries())
      made.refused.push_back({run_from_bytes(entry.run()), *why});
    take_back_requests(*of.on_its_way, made);
    of.on_its_way.reset();
    of.retries = 0;
  } else {
    made.broken = std::move(why);
  }
  return made;
}

void run_journal::release(step_context& context, lane& of, answer& into) {
  if (is_stalled(context.now))
    stalled_until_ = context.now;
  auto written = *std::exchange(of.on_its_way, std::nullopt);
  of.retries = 0;
  if (of.begins)
    for (const auto& entry : written.events.entries())
      into.begun.push_back(run_from_bytes(entry.run()));
  for (auto run : written.ended)
    ends_.erase(run);
  into.resumed = std::move(written.resumed);
  take_back_requests(written, into);
  for (auto& held : written.held)
    context.out.send(std::move(held));
}

} // namespace troupe
