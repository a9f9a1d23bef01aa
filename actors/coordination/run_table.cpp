#include "actors/coordination/run_table.hpp"

#include "config/limits/links.hpp"
#include "config/limits/work.hpp"

#include <algorithm>
#include <utility>

namespace troupe {

namespace {

active_run* take_first(std::vector<active_run*>& from) {
  if (from.empty())
    return nullptr;
  auto first = from.front();
  from.erase(from.begin());
  return first;
}

} // namespace

active_run& run_table::add(std::unique_ptr<active_run> run) {
  auto& added = *run;
  runs_.emplace(added.id, std::move(run));
  return added;
}

active_run* run_table::find(run_id id) const {
  auto found = runs_.find(id);
  return found == runs_.end() ? nullptr : found->second.get();
}

active_run* run_table::find_request(const envelope& request) const {
  for (const auto& [id, run] : runs_)
    if (run->request == request.id && run->submitter.session == request.sender.session)
      return run.get();
  return nullptr;
}

active_run* run_table::find_key(const name& tenant, std::string_view key) const {
  for (const auto& [id, run] : runs_)
    if (run->key == key && run->tenant == tenant)
      return run.get();
  return nullptr;
}

std::unique_ptr<active_run> run_table::take(const active_run& run) {
  std::erase(ended_, &run);
  std::erase(working_, &run);
  return std::move(runs_.extract(run.id).mapped());
}

RunsListed run_table::list() const {
  std::vector<const active_run*> oldest;
  for (const auto& [id, run] : runs_)
    oldest.push_back(run.get());
  auto shown = std::min(oldest.size(), limits::status_runs_max);
  std::partial_sort(oldest.begin(), oldest.begin() + static_cast<std::ptrdiff_t>(shown),
                    oldest.end(), [](auto a, auto b) { return a->began < b->began; });
  RunsListed listed;
  listed.set_total(static_cast<std::uint32_t>(oldest.size()));
  for (std::size_t i = 0; i < shown; ++i) {
    const auto& count = oldest[i]->state->count();
    auto& one = *listed.add_runs();
    one.set_run(to_bytes(oldest[i]->id));
    one.set_graph(oldest[i]->state->graph().name());
    one.set_done(count.done);
    one.set_failed(count.failed);
    one.set_total(count.total());
  }
  return listed;
}

// -- what the owner must look at ----------------------------------------------------------------

void run_table::note(active_run& run) {
  if (run.state->ended() && !std::exchange(run.noted_ended, true))
    ended_.push_back(&run);
  if (run.state->has_more_work() && !std::exchange(run.noted_working, true))
    working_.push_back(&run);
}

void run_table::end_early(active_run& run, failure why) {
  if (run.over)
    return;
  run.over = std::move(why);
  if (!std::exchange(run.noted_ended, true))
    ended_.push_back(&run);
}

active_run* run_table::next_ended() { return take_first(ended_); }

active_run* run_table::next_working() {
  auto next = take_first(working_);
  if (next)
    next->noted_working = false;
  return next;
}

// -- clients ------------------------------------------------------------------------------------

void run_table::session_closed(const SessionClosed& closed, node_id here, instant now) {
  for (const auto& [id, run] : runs_) {
    const auto& who = run->submitter;
    bool attached_here = !who.node || who.node == here;
    if (who.what == address::kind::session && who.session.value == closed.session()
        && attached_here)
      run->gone = gone_since(closed, now);
    std::erase_if(run->attached, [&closed](const active_run::follower& one) {
      return one.who.session.value == closed.session();
    });
  }
}

instant run_table::gone_since(const SessionClosed& closed, instant now) {
  return closed.left() ? now - limits::client_return_max : now;
}

run_table::left_alone run_table::find_left_alone(instant now) const {
  left_alone found;
  for (const auto& [id, run] : runs_) {
    if (!run->gone)
      continue;
    auto due = *run->gone + limits::client_return_max;
    if (due <= now)
      found.runs.push_back(run.get());
    else
      found.next = std::min(found.next.value_or(due), due);
  }
  return found;
}

bool run_table::invariants() const {
  for (const auto& [id, run] : runs_) {
    auto listed = std::count(working_.begin(), working_.end(), run.get());
    bool is_owned = run && run->id == id && run->state;
    if (!is_owned || listed != (run->noted_working ? 1 : 0) || (run->over && !run->noted_ended))
      return false;
  }
  return std::all_of(ended_.begin(), ended_.end(), [this](const active_run* run) {
    return find(run->id) == run && run->noted_ended;
  });
}

} // namespace troupe
