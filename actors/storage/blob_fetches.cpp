#include "actors/storage/blob_fetches.hpp"

#include "actors/storage/blob_timers.hpp"
#include "config/base/hex.hpp"
#include "config/limits/messages.hpp"
#include "config/limits/storage.hpp"
#include "config/limits/work.hpp"
#include "messages/agents.pb.h"
#include "persistence/sha256.hpp"

#include <algorithm>
#include <utility>

namespace troupe {

std::string label_of(const BlobRef& blob) {
  constexpr std::size_t shown = 6; // bytes of the hash: enough to find the file
  std::string text = blob.name().empty() ? "blob " : "blob \"" + blob.name() + "\" ";
  return text + to_hex(std::string_view{blob.sha256()}.substr(0, shown));
}

std::optional<failure> blob_fetches::wait(step_context& context, waiter& who) {
  auto known = fetches_.find(who.blob.sha256());
  if (waiting_ >= limits::blob_waiters_max
      || (known == fetches_.end() && fetches_.size() >= limits::blob_fetches_max))
    return failure{ec::overloaded, "too many requests wait for blobs of other nodes"};
  ++waiting_;
  if (known != fetches_.end()) {
    known->second.waiters.push_back(std::move(who));
    return std::nullopt;
  }
  auto hash = who.blob.sha256();
  unasked_.push_back(hash);
  fetches_[hash].waiters.push_back(std::move(who));
  ask_next(context);
  return std::nullopt;
}

/// At any time a holder is asked for a bounded number of bytes, or for one blob of any size.
bool blob_fetches::may_ask(const fetch& wanted) const {
  const auto& first = wanted.waiters.front();
  std::uint64_t asked = 0;
  for (const auto& [hash, other] : fetches_)
    if (other.sequence != 0 && other.holder == first.holder)
      asked += other.waiters.front().blob.size_bytes();
  return asked == 0 || asked + first.blob.size_bytes() <= limits::blob_asked_bytes_max;
}

void blob_fetches::ask_next(step_context& context) {
  std::erase_if(unasked_, [&](const std::string& hash) {
    auto found = fetches_.find(hash);
    if (found != fetches_.end() && found->second.sequence == 0 && !may_ask(found->second))
      return false;
    if (found != fetches_.end() && found->second.sequence == 0)
      ask_holder(context, found->second);
    return true;
  });
}

std::uint32_t blob_fetches::new_timer() {
  auto taken = [&](std::uint32_t id) {
    return id < first_fetch_timer
           || std::any_of(fetches_.begin(), fetches_.end(),
                          [&](const auto& f) { return f.second.timer == id; });
  };
  do
    ++last_timer_;
  while (taken(last_timer_));
  return last_timer_;
}

/// Asks the holder that the first waiter names.
void blob_fetches::ask_holder(step_context& context, fetch& wanted) {
  const auto& first = wanted.waiters.front();
  wanted.holder = first.holder;
  if (wanted.timer == 0)
    wanted.timer = new_timer();
  context.out.arm(wanted.timer, limits::request_timeout);

  BlobGet question;
  *question.mutable_blob() = first.blob;
  auto message = make_envelope(message_kind::request, address::of(service::blobs, wanted.holder),
                               std::move(question));
  message.id = numbers_.next();
  wanted.sequence = message.id.sequence;
  message.sender = self_;
  message.trace = first.request.trace;
  message.tenant = first.request.tenant;
  message.remaining =
      std::chrono::duration_cast<std::chrono::milliseconds>(limits::request_timeout);
  context.out.debug(
      "blobs",
      [&] { return "asks node " + to_string(wanted.holder) + " for " + label_of(first.blob); },
      message.trace.trace);
  context.out.send(std::move(message));
}

blob_fetches::fetch_end blob_fetches::reply(step_context& context, envelope& message,
                                            const std::string*& bytes) {
  auto asked = std::find_if(fetches_.begin(), fetches_.end(), [&](const auto& f) {
    return message.id.session == numbers_.session && message.id.sequence == f.second.sequence;
  });
  if (asked == fetches_.end())
    return {}; // late: the holder was given up
  auto asked_node = asked->second.holder;
  auto holder = "node " + to_string(asked_node);
  if (auto why = failure_in(message))
    return give_up_holder(context, asked, {why->code, holder + ": " + why->message});
  auto data = message.body.as<BlobData>();
  if (data && sha256(data->bytes()) == asked->first) {
    bytes = &data->bytes();
    context.out.debug(
        "blobs",
        [&] { return "has " + label_of(asked->second.waiters.front().blob) + " from " + holder; },
        message.trace.trace);
    return {forget(context, asked), {}, asked_node};
  }
  auto why = holder + " sent the wrong bytes for " + label_of(asked->second.waiters.front().blob);
  context.out.log(log_level::error, "blobs", why, message.trace.trace);
  for (auto& one : asked->second.waiters)
    one.errors.push_back(why);
  return give_up_holder(context, asked, {ec::bad_message, std::move(why)});
}

blob_fetches::fetch_end blob_fetches::late(step_context& context, std::uint32_t timer) {
  auto found = std::find_if(fetches_.begin(), fetches_.end(),
                            [&](const auto& f) { return f.second.timer == timer; });
  if (found == fetches_.end())
    return {};
  auto why = "node " + to_string(found->second.holder) + " did not send "
             + label_of(found->second.waiters.front().blob) + " in time";
  return give_up_holder(context, found, {ec::timed_out, std::move(why)});
}

/// Waiters that named that holder have waited in vain. If there are others, their next holder is
/// asked.
blob_fetches::fetch_end blob_fetches::give_up_holder(step_context& context, table::iterator failed,
                                                     failure why) {
  auto& wanted = failed->second;
  context.out.debug(
      "blobs", [&] { return "gives up a holder: " + why.message; },
      wanted.waiters.front().request.trace.trace);
  auto holder = wanted.holder;
  std::vector<waiter> others, in_vain;
  for (auto& one : wanted.waiters)
    (one.holder == wanted.holder ? in_vain : others).push_back(std::move(one));
  wanted.waiters = std::move(others);
  waiting_ -= in_vain.size();
  if (wanted.waiters.empty()) {
    forget(context, failed);
  } else {
    wanted.sequence = 0;
    context.out.arm(wanted.timer, std::chrono::nanoseconds{0});
    unasked_.push_back(failed->first);
    ask_next(context);
  }
  return {std::move(in_vain), std::move(why), holder};
}

std::vector<blob_fetches::waiter> blob_fetches::forget(step_context& context,
                                                       table::iterator done) {
  auto waiters = std::move(done->second.waiters);
  waiting_ -= waiters.size();
  context.out.arm(done->second.timer, std::chrono::nanoseconds{0});
  fetches_.erase(done);
  ask_next(context);
  return waiters;
}

bool blob_fetches::give_up(step_context& context, const envelope& request) {
  for (auto at = fetches_.begin(); at != fetches_.end(); ++at) {
    auto& waiters = at->second.waiters;
    auto gone = std::find_if(waiters.begin(), waiters.end(), [&](const waiter& one) {
      return one.keep == 0 && one.request.id == request.id && one.request.sender == request.sender;
    });
    if (gone == waiters.end())
      continue;
    waiters.erase(gone);
    --waiting_;
    if (waiters.empty())
      forget(context, at);
    return true;
  }
  return false;
}

std::vector<blob_fetches::waiter> blob_fetches::take_all() {
  std::vector<waiter> all;
  for (auto& [hash, wanted] : fetches_)
    for (auto& one : wanted.waiters)
      all.push_back(std::move(one));
  fetches_.clear();
  unasked_.clear();
  waiting_ = 0;
  return all;
}

} // namespace troupe
