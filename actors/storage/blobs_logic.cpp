#include "actors/storage/blobs_logic.hpp"

#include "actors/unread.hpp"
#include "config/limits/messages.hpp"
#include "config/limits/storage.hpp"
#include "config/limits/work.hpp"
#include "messages/agents.pb.h"
#include "messages/values.pb.h"

#include <algorithm>
#include <optional>

namespace troupe {

namespace {

constexpr std::string_view component = "blobs";
constexpr std::size_t hash_bytes = 32;

std::string label(const BlobRef& blob) {
  constexpr char digits[] = "0123456789abcdef";
  constexpr std::size_t shown = 6; // bytes of the hash: enough to find the file
  std::string text = blob.name().empty() ? "blob " : "blob \"" + blob.name() + "\" ";
  for (auto c : blob.sha256().substr(0, shown)) {
    auto byte = static_cast<unsigned char>(c);
    (text += digits[byte >> 4]) += digits[byte & 15];
  }
  return text;
}

envelope data_reply(const envelope& request, std::string bytes) {
  BlobData found;
  found.set_bytes(std::move(bytes));
  return reply_to(request, std::move(found));
}

/// What a request that waits asks for. It was parsed when it came.
const BlobRef& blob_of(envelope& waiter) { return waiter.body.as<BlobGet>()->blob(); }

} // namespace

void blobs_logic::start(step_context& context, const address& self) {
  self_ = self;
  session_ = {context.random.next() | 1};
}

void blobs_logic::step(step_context& context, event input) {
  if (auto message = std::get_if<envelope>(&input)) {
    switch (message->kind) {
      case message_kind::request:
        return request(context, std::move(*message));
      case message_kind::reply:
        return reply(context, std::move(*message));
      case message_kind::cancel:
        return given_up(context, *message);
      case message_kind::event:
      case message_kind::piece:
      case message_kind::acknowledge:
        return not_taken(context, "service blobs", *message);
    }
  }
  if (auto fired = std::get_if<timer_fired>(&input)) {
    auto late = std::find_if(fetches_.begin(), fetches_.end(),
                             [&](const auto& f) { return f.second.timer == fired->timer; });
    if (late != fetches_.end())
      give_up_holder(context, late,
                     {ec::timed_out, "node " + to_string(late->second.holder) + " did not send "
                                         + label(blob_of(late->second.waiters.front()))
                                         + " in time"});
  }
}

void blobs_logic::stop(step_context& context) {
  for (auto& [hash, wanted] : fetches_)
    for (const auto& waiter : wanted.waiters)
      context.out.send(reply_failure(waiter, {ec::unavailable, "this node is stopping"}));
  fetches_.clear();
  unasked_.clear();
  waiting_ = 0;
  waiting_bytes_ = 0;
}

void blobs_logic::request(step_context& context, envelope message) {
  if (auto given = message.body.as<BlobPut>())
    return put(context, message, *given);
  if (message.body.as<BlobGet>())
    return get(context, std::move(message));
  not_taken(context, "service blobs", message);
}

void blobs_logic::put(step_context& context, envelope& message, const BlobPut& given) {
  if (given.bytes().size() > limits::document_bytes_max) {
    context.out.send(reply_failure(
        message, {ec::too_large, (given.name().empty() ? "the blob" : given.name()) + " has "
                                     + std::to_string(given.bytes().size()) + " bytes, at most "
                                     + std::to_string(limits::document_bytes_max) + " are kept"}));
    return;
  }
  auto stored = store_->put(given.bytes());
  if (!stored) {
    context.out.log(log_level::error, component, stored.error().message, message.trace.trace);
    context.out.send(reply_failure(message, std::move(stored).error()));
    return;
  }
  BlobStored done;
  *done.mutable_blob() = *std::move(stored);
  done.mutable_blob()->set_name(given.name());
  done.mutable_blob()->set_holder(to_bytes(self_.node));
  context.out.send(reply_to(message, std::move(done)));
}

void blobs_logic::get(step_context& context, envelope message) {
  const auto& blob = blob_of(message);
  if (blob.sha256().size() != hash_bytes) {
    context.out.send(
        reply_failure(message, {ec::invalid_argument, "a blob's hash has 32 bytes, this one "
                                                          + std::to_string(blob.sha256().size())}));
    return;
  }
  auto here = store_->get(blob.sha256());
  if (here && *here) {
    context.out.send(data_reply(message, **std::move(here)));
    return;
  }
  if (!here)
    context.out.log(log_level::error, component, here.error().message, message.trace.trace);
  auto holder = node_from_bytes(blob.holder());
  if (holder && holder != self_.node)
    return wait(context, std::move(message), blob);
  auto why =
      here ? failure{ec::not_found, label(blob) + " is not on this node"} : std::move(here).error();
  context.out.send(reply_failure(message, why));
}

void blobs_logic::wait(step_context& context, envelope message, const BlobRef& blob) {
  auto known = fetches_.find(blob.sha256());
  if (waiting_ >= limits::blob_waiters_max
      || waiting_bytes_ + blob.size_bytes() > limits::blob_waiting_bytes_max
      || (known == fetches_.end() && fetches_.size() >= limits::blob_fetches_max)) {
    context.out.send(reply_failure(
        message, {ec::overloaded, "too many requests wait for blobs of other nodes"}));
    return;
  }
  count(blob, 1);
  if (known != fetches_.end()) {
    known->second.waiters.push_back(std::move(message));
    return;
  }
  unasked_.push_back(blob.sha256());
  fetches_[blob.sha256()].waiters.push_back(std::move(message));
  ask_next(context);
}

/// Somebody waits no longer. A blob that nobody waits for is not fetched, or not taken when it
/// comes.
void blobs_logic::given_up(step_context& context, const envelope& order) {
  for (auto wanted = fetches_.begin(); wanted != fetches_.end(); ++wanted) {
    auto& waiters = wanted->second.waiters;
    auto found = std::find_if(waiters.begin(), waiters.end(), [&order](const envelope& waiter) {
      return waiter.id == order.id && waiter.sender == order.sender;
    });
    if (found == waiters.end())
      continue;
    count(blob_of(*found), -1);
    context.out.send(reply_failure(*found, {ec::cancelled, "the request was cancelled"}));
    waiters.erase(found);
    if (waiters.empty())
      forget(context, wanted);
    return;
  }
}

/// A holder is asked for a bounded number of bytes at once, or for one blob of any size.
bool blobs_logic::may_ask(fetch& wanted) {
  const auto& blob = blob_of(wanted.waiters.front());
  auto holder = node_from_bytes(blob.holder());
  std::uint64_t asked = 0;
  for (auto& [hash, other] : fetches_)
    if (other.sequence != 0 && other.holder == holder)
      asked += blob_of(other.waiters.front()).size_bytes();
  return asked == 0 || asked + blob.size_bytes() <= limits::blob_asked_bytes_max;
}

void blobs_logic::ask_next(step_context& context) {
  std::erase_if(unasked_, [&](const std::string& hash) {
    auto found = fetches_.find(hash);
    if (found != fetches_.end() && found->second.sequence == 0 && !may_ask(found->second))
      return false;
    if (found != fetches_.end() && found->second.sequence == 0)
      ask_holder(context, found->second);
    return true;
  });
}

/// One more or one less waits for `blob`. Each will get a copy of its own, so their bytes are
/// bounded.
void blobs_logic::count(const BlobRef& blob, int more) {
  waiting_ += static_cast<std::size_t>(more);
  waiting_bytes_ += static_cast<std::uint64_t>(more) * blob.size_bytes();
}

/// Asks the holder that the first waiter names.
void blobs_logic::ask_holder(step_context& context, fetch& wanted) {
  auto& first = wanted.waiters.front();
  wanted.holder = node_from_bytes(blob_of(first).holder());
  wanted.sequence = ++sequence_;
  if (wanted.timer == 0) {
    auto taken = [&](std::uint32_t id) {
      return std::any_of(fetches_.begin(), fetches_.end(),
                         [&](const auto& f) { return f.second.timer == id; });
    };
    do
      ++last_timer_;
    while (last_timer_ == 0 || taken(last_timer_));
    wanted.timer = last_timer_;
  }
  context.out.arm(wanted.timer, limits::request_timeout);

  BlobGet question;
  *question.mutable_blob() = blob_of(first);
  auto message = make_envelope(message_kind::request, address::of(service::blobs, wanted.holder),
                               std::move(question));
  message.id = {session_, wanted.sequence};
  message.sender = self_;
  message.priority = first.priority;
  message.trace = first.trace;
  message.tenant = first.tenant;
  message.remaining =
      std::chrono::duration_cast<std::chrono::milliseconds>(limits::request_timeout);
  context.out.send(std::move(message));
}

void blobs_logic::reply(step_context& context, envelope message) {
  auto asked = std::find_if(fetches_.begin(), fetches_.end(), [&](const auto& f) {
    return message.id.session == session_ && message.id.sequence == f.second.sequence;
  });
  if (asked == fetches_.end())
    return; // late: the holder was given up
  if (auto why = failure_in(message)) {
    why->message = "node " + to_string(asked->second.holder) + ": " + why->message;
    return give_up_holder(context, asked, *why);
  }
  auto data = message.body.as<BlobData>();
  if (data && sha256(data->bytes()) == asked->first)
    return deliver(context, asked, std::move(*data->mutable_bytes()));
  auto why = "node " + to_string(asked->second.holder) + " sent other bytes than those of "
             + label(blob_of(asked->second.waiters.front()));
  context.out.log(log_level::error, component, why, message.trace.trace);
  give_up_holder(context, asked, {ec::bad_message, std::move(why)});
}

void blobs_logic::deliver(step_context& context, fetches::iterator arrived, std::string bytes) {
  // The bytes are right whether or not they can be kept: who waits gets them.
  if (auto kept = store_->put(bytes); !kept)
    context.out.log(log_level::error, component, kept.error().message);
  const auto& waiters = arrived->second.waiters;
  for (std::size_t i = 0; i < waiters.size(); ++i)
    context.out.send(data_reply(waiters[i], i + 1 < waiters.size() ? bytes : std::move(bytes)));
  forget(context, arrived);
}

/// Answers those who named that holder, and asks the next holder for the others, if there are any.
void blobs_logic::give_up_holder(step_context& context, fetches::iterator failed,
                                 const failure& why) {
  auto& wanted = failed->second;
  std::vector<envelope> others;
  for (auto& waiter : wanted.waiters) {
    if (node_from_bytes(blob_of(waiter).holder()) != wanted.holder) {
      others.push_back(std::move(waiter));
      continue;
    }
    count(blob_of(waiter), -1);
    context.out.send(reply_failure(waiter, why));
  }
  wanted.waiters = std::move(others);
  if (wanted.waiters.empty())
    return forget(context, failed);
  wanted.sequence = 0;
  context.out.arm(wanted.timer, std::chrono::nanoseconds{0});
  unasked_.push_back(failed->first);
  ask_next(context);
}

void blobs_logic::forget(step_context& context, fetches::iterator done) {
  for (auto& waiter : done->second.waiters)
    count(blob_of(waiter), -1);
  context.out.arm(done->second.timer, std::chrono::nanoseconds{0});
  fetches_.erase(done);
  ask_next(context);
}

} // namespace troupe
