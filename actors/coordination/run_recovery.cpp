#include "actors/coordination/run_recovery.hpp"

#include "actors/coordination/run_summary.hpp"
#include "actors/coordination/unreadable_runs.hpp"
#include "config/limits/runs.hpp"

#include <utility>

namespace troupe {

void run_recovery::start(step_context& context, const address& self) {
  self_ = self;
  session_ = {context.random.next() | 1};
  over_ = false;
  ask(context);
}

bool run_recovery::keep(envelope& asked) {
  auto bytes = asked.body.wire_size();
  if (kept_.size() >= limits::runs_asked_at_once_max
      || kept_bytes_ + bytes > limits::runs_asked_bytes_max)
    return false;
  kept_bytes_ += bytes;
  kept_.push_back(std::move(asked));
  return true;
}

void run_recovery::ask(step_context& context) {
  auto to = address::of(service::journal, self_.node);
  envelope request;
  if (!listed_) {
    request = make_envelope(message_kind::request, to, JournalOpenAsked{});
  } else {
    if (!reading_ && !left_.empty()) {
      reading_ =
          std::make_unique<run_reader>(left_.front(), self_.node, run_reader::keeps::nothing);
      left_.pop_front();
    }
    if (!reading_) {
      over_ = true;
      return;
    }
    request = make_envelope(message_kind::request, to, reading_->next());
  }
  request.id = {session_, ++requests_};
  request.sender = self_;
  context.out.send(std::move(request));
}

run_recovery::recovered run_recovery::take_answer(step_context& context, envelope& reply) {
  recovered made;
  if (over_ || reply.id.sequence != requests_)
    return made;
  if (auto why = failure_in(reply)) {
    if (why->code == ec::overloaded)
      context.out.arm(timer_, limits::journal_retry_after);
    else
      made.broken = std::move(why);
    return made;
  }
  if (auto open = reply.body.as<JournalOpen>()) {
    listed_ = true;
    for (const auto& run : open->runs())
      left_.push_back(run_from_bytes(run));
  } else if (auto page = reply.body.as<JournalRecords>(); page && reading_) {
    auto whole = reading_->take(*page);
    if (!whole)
      made.unreadable = unreadable_runs::summary(reading_->run ? summary_of(*reading_->run)
                                                               : std::move(reading_->summary),
                                                 reading_->id(), whole.error());
    else if (*whole)
      made.run = std::move(reading_->run);
    if (!whole || *whole)
      reading_.reset();
  }
  ask(context);
  return made;
}

} // namespace troupe
