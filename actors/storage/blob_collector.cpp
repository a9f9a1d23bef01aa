#include "actors/storage/blob_collector.hpp"

#include "actors/storage/blob_timers.hpp"
#include "config/limits/messages.hpp"
#include "config/limits/storage.hpp"
#include "messages/agents.pb.h"

#include <algorithm>
#include <unordered_set>

namespace troupe {

namespace {

constexpr std::string_view collector_component = "blobs";

} // namespace

blob_collector::blob_collector(std::chrono::nanoseconds keep, bool has_journal,
                               request_numbers& numbers)
    : keep_(keep), has_journal_(has_journal), grain_parts_(limits::blob_keep_parts),
      numbers_(numbers) {}

void blob_collector::start(step_context& context, const address& self, const blob_store& store) {
  self_ = self;
  // Anyone who still needs a blob after this node restarts says so within that time.
  if (store.count() > 0)
    arm(context, keep_ / 2);
}

void blob_collector::arm(step_context& context, std::chrono::nanoseconds after) {
  armed_ = true;
  context.out.arm(sweep_timer,
                  std::max<std::chrono::nanoseconds>(after, limits::blob_sweep_pause_min));
}

void blob_collector::used(step_context& context) {
  if (!armed_ && phase_ == phase::resting)
    arm(context, keep_);
  next_ = std::min(next_.value_or(instant::max()), context.now + keep_);
}

void blob_collector::pin(std::span<const std::string> hashes, instant now) {
  if (keep_ >= limits::blob_named_within)
    return; // noting their use is enough
  for (const auto& hash : hashes)
    pins_.insert_or_assign(hash, now + limits::blob_named_within);
}

bool blob_collector::pinned(const std::string& hash, instant now) const {
  auto found = pins_.find(hash);
  return found != pins_.end() && now < found->second;
}

void blob_collector::timer(step_context& context, blob_store& store) {
  armed_ = false;
  if (phase_ == phase::asking) {
    context.out.log(log_level::warning, collector_component,
                    "service " + std::string{to_string(asked_)}
                        + " does not say which blobs are named; none was deleted");
    return rest(context, grain());
  }
  std::erase_if(pins_, [&](const auto& pin) { return pin.second <= context.now; });
  phase_ = phase::looking;
  context.out.debug(collector_component, [&] {
    return "begins a sweep over " + std::to_string(store.count()) + " blobs";
  });
  after_.clear();
  next_.reset();
  go_on(context, store);
}

bool blob_collector::go_on(step_context& context, blob_store& store) {
  if (phase_ != phase::looking)
    return false;
  auto listed = store.list(after_, limits::blob_sweep_step);
  if (!listed) {
    context.out.log(log_level::error, collector_component, listed.error().message);
    rest(context, grain());
    return false;
  }
  over_.clear();
  for (auto& blob : *listed) {
    auto over = std::min(blob.used, context.now) + keep_;
    if (auto pin = pins_.find(blob.sha256); pin != pins_.end())
      over = std::max(over, pin->second);
    if (over > context.now)
      next_ = std::min(next_.value_or(over), over);
    else
      over_.push_back(blob.sha256);
    after_ = std::move(blob.sha256);
  }
  if (listed->empty()) {
    rest(context, std::chrono::nanoseconds::max());
    return false;
  }
  if (over_.empty())
    return true;
  ask(context, service::state);
  return false;
}

void blob_collector::ask(step_context& context, service who) {
  phase_ = phase::asking;
  asked_ = who;
  BlobsNamed question;
  for (const auto& hash : over_)
    question.add_sha256(hash);
  auto message =
      make_envelope(message_kind::request, address::of(who, self_.node), std::move(question));
  message.id = numbers_.next();
  question_ = message.id.sequence;
  message.sender = self_;
  message.remaining =
      std::chrono::duration_cast<std::chrono::milliseconds>(limits::request_timeout);
  context.out.send(std::move(message));
  arm(context, limits::request_timeout);
}

bool blob_collector::answered(step_context& context, envelope& reply, blob_store& store) {
  if (phase_ != phase::asking || reply.id != message_id{numbers_.session, question_})
    return false;
  auto answer = reply.body.as<BlobsNamed>();
  if (!answer || answer->unknown()) {
    auto why = failure_in(reply).value_or(failure{});
    if (why.code != ec::none)
      context.out.log(log_level::warning, collector_component,
                      "no blob is deleted: " + why.message);
    // States that do not list what they name stay as they are while this node runs.
    rest(context, answer ? keep_ : grain());
    return true;
  }
  std::unordered_set<std::string> named(answer->sha256().begin(), answer->sha256().end());
  std::erase_if(over_, [&](const std::string& hash) {
    return named.contains(hash) || pinned(hash, context.now);
  });
  if (asked_ == service::state && has_journal_ && !over_.empty()) {
    ask(context, service::journal);
    return true;
  }
  phase_ = phase::looking;
  remove(context, store, std::move(over_));
  over_.clear();
  return true;
}

void blob_collector::remove(step_context& context, blob_store& store,
                            std::vector<std::string> hashes) {
  if (hashes.empty())
    return;
  auto removed = store.remove(hashes, context.now - keep_ + std::chrono::nanoseconds{1});
  if (!removed) {
    context.out.log(log_level::error, collector_component, removed.error().message);
    return rest(context, grain());
  }
  context.out.debug(collector_component, [&] {
    return "deleted " + std::to_string(*removed) + (*removed == 1 ? " blob" : " blobs")
           + " that nobody needs";
  });
}

/// The end of a sweep. The next sweep begins when the time of a blob is over, but not at once for
/// each blob; it is at most `at_most` late.
void blob_collector::rest(step_context& context, std::chrono::nanoseconds at_most) {
  phase_ = phase::resting;
  armed_ = false;
  context.out.arm(sweep_timer, std::chrono::nanoseconds{0});
  if (next_)
    at_most = std::min(at_most, std::max<std::chrono::nanoseconds>(*next_ - context.now, grain()));
  if (at_most != std::chrono::nanoseconds::max())
    arm(context, at_most);
  context.out.debug(collector_component, [&] {
    return armed_ ? "has ended a sweep; the next begins in "
                        + std::to_string(std::chrono::ceil<std::chrono::seconds>(at_most).count())
                        + " s"
                  : std::string{"has ended a sweep, and there is nothing to sweep"};
  });
}

} // namespace troupe
