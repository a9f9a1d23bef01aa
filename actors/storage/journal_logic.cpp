#include "actors/storage/journal_logic.hpp"

#include "actors/storage/free_space.hpp"
#include "actors/unread.hpp"
#include "persistence/journal/journal_event.hpp"

#include <algorithm>
#include <optional>
#include <utility>

namespace troupe {

namespace {

constexpr std::string_view journal_component = "journal";
constexpr std::uint32_t sync_timer = 1;
constexpr std::uint32_t cut_timer = 2;
constexpr std::size_t list_usual = 100; ///< of an answer, if the asker does not say

std::size_t bytes_of(const JournalAppend& given) {
  std::size_t sum = 0;
  for (const auto& entry : given.entries())
    sum += entry.run().size() + entry.event().size();
  return sum;
}

const JournalAppend& append_in(envelope& request) { return *request.body.as<JournalAppend>(); }

} // namespace

void journal_logic::start(step_context& context, const address& self) {
  self_ = self;
  context.out.arm(cut_timer, cut_every());
  auto news = make_envelope(message_kind::event, address::of(service::coordinator, self.node),
                            JournalStarted{});
  news.sender = self;
  context.out.send(std::move(news));
}

std::chrono::nanoseconds journal_logic::cut_every() const {
  constexpr int parts = 8;
  return std::clamp<std::chrono::nanoseconds>(options_.retention / parts, limits::journal_cut_pause,
                                              limits::journal_cut_every);
}

void journal_logic::step(step_context& context, event input) {
  if (auto fired = std::get_if<timer_fired>(&input)) {
    if (fired->timer == sync_timer)
      sync(context);
    else if (fired->timer == cut_timer)
      cut(context);
    return;
  }
  auto request = std::get_if<envelope>(&input);
  if (!request)
    return;
  if (request->kind != message_kind::request)
    return not_taken(context, "service journal", *request);
  if (request->body.as<JournalAppend>())
    return append(context, std::move(*request));
  write_gathered(context); // what was appended before is seen
  answer(context, *request);
}

void journal_logic::stop(step_context& context) {
  write_gathered(context);
  if (unsynced_)
    sync(context);
}

// -- writing --------------------------------------------------------------------------------------

void journal_logic::append(step_context& context, envelope request) {
  const auto& given = append_in(request);
  if (given.begins())
    if (auto space = check_space_for_new(store_->free_bytes(), options_.free_min, "run"); !space) {
      context.out.log(log_level::warning, journal_component, space.error().message,
                      request.trace.trace);
      return context.out.send(reply_failure(request, space.error()));
    }
  gathered_bytes_ += bytes_of(given);
  gathered_.push_back(std::move(request));
  if (gathered_bytes_ >= limits::journal_batch_bytes_max)
    write_gathered(context);
}

void journal_logic::write_gathered(step_context& context) {
  auto requests = std::exchange(gathered_, {});
  gathered_bytes_ = 0;
  if (requests.empty())
    return;
  bool all_unsynced = std::all_of(requests.begin(), requests.end(),
                                  [](envelope& request) { return append_in(request).unsynced(); });
  write(context, requests, all_unsynced ? journal_write::unsynced : journal_write::synced);
}

void journal_logic::write(step_context& context, std::span<envelope> requests, journal_write how) {
  std::vector<journal_entry> entries;
  for (auto& request : requests)
    for (const auto& entry : append_in(request).entries())
      entries.push_back({entry.run(), entry.event()});
  auto began = context.time();
  auto written = store_->append(entries, how);
  if (!written && !store_->broken() && requests.size() > 1) {
    // Nothing was written. One that cannot be must not keep out the others.
    for (auto& one : requests)
      write(context, {&one, 1}, how);
    return;
  }
  if (!written) {
    auto why = judged(context, std::move(written).error());
    for (auto& request : requests)
      context.out.send(reply_failure(request, why));
    return;
  }
  counted_.plain().journal_records.fetch_add(entries.size(), std::memory_order_relaxed);
  counted_.plain().journal_bytes.fetch_add(*written, std::memory_order_relaxed);
  if (how == journal_write::synced) {
    count_sync(context, began);
  } else if (!std::exchange(unsynced_, true)) {
    context.out.arm(sync_timer, limits::journal_unsynced_time);
  }
  context.out.debug(journal_component, [&] {
    return "has written " + std::to_string(entries.size()) + " events of "
           + std::to_string(requests.size()) + " requests, "
           + (how == journal_write::synced ? "synced" : "not synced");
  });
  for (auto& request : requests)
    context.out.send(reply_to(request, JournalWritten{}));
}

/// A sync covers all that was written before it.
void journal_logic::count_sync(step_context& context, instant began) {
  counted_.journal_synced(context.time() - began);
  if (std::exchange(unsynced_, false))
    context.out.arm(sync_timer, std::chrono::nanoseconds{0});
}

void journal_logic::sync(step_context& context) {
  auto began = context.time();
  if (auto done = store_->sync()) {
    count_sync(context, began);
  } else {
    judged(context, std::move(done).error());
    context.out.arm(sync_timer, limits::journal_unsynced_time); // it did nothing
  }
}

void journal_logic::cut(step_context& context) {
  write_gathered(context);
  auto before = context.now - options_.retention;
  auto before_ms = std::chrono::floor<std::chrono::milliseconds>(before.time_since_epoch());
  auto gone = store_->cut(before_ms.count(), limits::journal_cut_runs_max);
  bool more = gone && *gone == limits::journal_cut_runs_max;
  if (!gone)
    judged(context, std::move(gone).error());
  else if (*gone > 0)
    context.out.debug(journal_component, [&] {
      return "has forgotten " + std::to_string(*gone)
             + " runs that ended longer ago than "
               "journal.retention";
    });
  tell_released(context);
  context.out.arm(cut_timer, more ? limits::journal_cut_pause : cut_every());
}

void journal_logic::tell_released(step_context& context) {
  auto gone = store_->take_released_blobs();
  for (std::size_t first = 0; first < gone.size(); first += limits::blobs_per_message_max) {
    BlobsHeld held;
    auto behind = std::min(first + limits::blobs_per_message_max, gone.size());
    for (auto i = first; i < behind; ++i)
      held.add_sha256(std::move(gone[i]));
    auto news = make_envelope(message_kind::event, address::of(service::blobs, self_.node),
                              std::move(held));
    news.sender = self_;
    context.out.send(std::move(news));
  }
}

failure journal_logic::judged(step_context& context, failure why) {
  if ((store_->broken() || why.code == ec::bad_message) && options_.disk_failed)
    options_.disk_failed(why);
  context.out.log(log_level::error, journal_component, why.message);
  return why;
}

// -- answers --------------------------------------------------------------------------------------

void journal_logic::answer(step_context& context, envelope& request) {
  if (request.body.as<JournalOpenAsked>())
    return reply(context, request, open_runs());
  if (auto page = request.body.as<JournalRead>())
    return reply(context, request, read(*page));
  if (auto list = request.body.as<JournalEndedAsked>())
    return reply(context, request, ended(*list));
  if (auto named = request.body.as<JournalFind>())
    return reply(context, request, find(*named));
  if (auto gone = request.body.as<JournalDelete>()) {
    reply(context, request, remove(*gone));
    return tell_released(context);
  }
  if (auto asked = request.body.as<BlobsNamed>())
    return reply(context, request, named(*asked));
  not_taken(context, "service journal", request);
}

template <class Message>
void journal_logic::reply(step_context& context, const envelope& request, result<Message> made) {
  if (made)
    return context.out.send(reply_to(request, *std::move(made)));
  auto why = std::move(made).error();
  bool usual = why.code == ec::not_found || why.code == ec::invalid_argument;
  context.out.send(reply_failure(request, usual ? why : judged(context, std::move(why))));
}

result<JournalOpen> journal_logic::open_runs() {
  auto runs = store_->open_runs();
  if (!runs)
    return unexpected{std::move(runs).error()};
  JournalOpen found;
  for (auto& run : *runs)
    found.add_runs(std::move(run));
  return found;
}

result<JournalRecords> journal_logic::read(const JournalRead& wanted) {
  if (wanted.last()) {
    auto last = store_->last(wanted.run());
    if (!last)
      return unexpected{std::move(last).error()};
    if (!*last)
      return fail(ec::not_found, "this node has no end of " + run_text(wanted.run()));
    JournalRecords found;
    found.set_run(wanted.run());
    found.add_events(**std::move(last));
    return found;
  }
  auto bytes_max = std::min<std::uint64_t>(wanted.bytes_max(), limits::journal_read_bytes_max);
  auto page = store_->read(wanted.run(), wanted.after(), bytes_max);
  if (!page)
    return unexpected{std::move(page).error()};
  if (!*page)
    return fail(ec::not_found, "this node has no " + run_text(wanted.run()));
  JournalRecords found;
  found.set_run(wanted.run());
  found.set_first((*page)->first);
  for (auto& one : (*page)->events)
    found.add_events(std::move(one));
  found.set_more((*page)->more);
  return found;
}

result<RunsFound> journal_logic::ended(const JournalEndedAsked& wanted) {
  auto at_most = wanted.at_most() == 0 ? list_usual : std::size_t{wanted.at_most()};
  return store_->ended(wanted.phase(), wanted.prefix(),
                       std::min(at_most, limits::journal_list_max));
}

result<JournalRun> journal_logic::find(const JournalFind& wanted) {
  auto run = wanted.session() != 0 ? store_->find(wanted.session(), wanted.number())
                                   : store_->find(wanted.tenant(), wanted.key());
  if (!run)
    return unexpected{std::move(run).error()};
  JournalRun found;
  if (*run)
    found.set_run(**std::move(run));
  return found;
}

result<BlobsNamed> journal_logic::named(const BlobsNamed& asked) {
  BlobsNamed found;
  for (const auto& hash : asked.sha256()) {
    auto is_named = store_->names_blob(hash);
    if (!is_named)
      return unexpected{std::move(is_named).error()};
    if (*is_named)
      found.add_sha256(hash);
  }
  return found;
}

result<RunDeleted> journal_logic::remove(const JournalDelete& wanted) {
  auto done = store_->remove(wanted.run());
  if (!done)
    return unexpected{std::move(done).error()};
  switch (*done) {
    case journal_removal::not_found:
      return fail(ec::not_found, "this node has no " + run_text(wanted.run()));
    case journal_removal::goes_on:
      return fail(ec::invalid_argument, run_text(wanted.run()) + " goes on: cancel it first");
    case journal_removal::removed:
      break;
  }
  RunDeleted gone;
  gone.set_run(wanted.run());
  return gone;
}

} // namespace troupe
