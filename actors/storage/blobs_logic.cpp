#include "actors/storage/blobs_logic.hpp"

#include "actors/storage/blob_checks.hpp"
#include "actors/storage/blob_timers.hpp"
#include "actors/storage/free_space.hpp"
#include "actors/unread.hpp"
#include "config/limits/messages.hpp"

#include <algorithm>
#include <optional>
#include <set>

namespace troupe {

namespace {

/// As that waiter is told.
BlobFound found_at(const blob_fetches::fetch_end& ended, const blob_fetches::waiter& waiter) {
  BlobFound found;
  found.set_holder(to_bytes(ended.holder));
  found.set_waiters(static_cast<std::uint32_t>(ended.waiters.size()));
  found.mutable_errors()->Add(waiter.errors.begin(), waiter.errors.end());
  return found;
}

} // namespace

blobs_logic::blobs_logic(std::unique_ptr<blob_store> store, metrics& counted, options given)
    : store_(std::move(store)), counted_(counted), options_(std::move(given)),
      collector_(options_.keep, options_.has_journal, numbers_) {}

void blobs_logic::start(step_context& context, const address& self) {
  self_ = self;
  numbers_.session = {context.random.next() | 1};
  fetches_.start(self);
  collector_.start(context, self, *store_);
  count();
}

void blobs_logic::step(step_context& context, event input) {
  if (auto message = std::get_if<envelope>(&input)) {
    switch (message->kind) {
      case message_kind::request:
        request(context, std::move(*message));
        break;
      case message_kind::reply:
        reply(context, std::move(*message));
        break;
      case message_kind::cancel:
        given_up(context, *message);
        break;
      case message_kind::event:
        if (auto news = message->body.as<BlobsHeld>())
          held(context, *news);
        else
          not_taken(context, "service blobs", *message);
        break;
      case message_kind::piece:
      case message_kind::acknowledge:
        not_taken(context, "service blobs", *message);
        break;
    }
  } else if (auto fired = std::get_if<timer_fired>(&input)) {
    if (fired->timer == sweep_timer) {
      collector_.timer(context, *store_);
      go_on_later(context);
    } else if (fired->timer == go_on_timer) {
      go_on(context);
    } else {
      in_vain(context, fetches_.late(context, fired->timer));
    }
  }
  answer_keeps(context);
}

void blobs_logic::stop(step_context& context) {
  flush(context);
  keeps_.stop();
  answer_keeps(context);
  failure why{ec::unavailable, "this node is stopping"};
  for (const auto& waiter : fetches_.take_all())
    if (waiter.keep == 0)
      context.out.send(reply_failure(waiter.request, why));
  for (const auto& one : handing_out_)
    context.out.send(reply_failure(one.request, why));
  handing_out_.clear();
}

void blobs_logic::request(step_context& context, envelope message) {
  switch (message.body.kind()) {
    case payload_kind::BlobPut:
    case payload_kind::BlobPuts: {
      if (!message.body.as<BlobPut>() && !message.body.as<BlobPuts>())
        break;
      if (auto why = wrong_puts(puts_in(message)))
        return context.out.send(reply_failure(message, *why));
      if (!has_room(context, message))
        return;
      return gather(context, {std::move(message), {}, {}, {}});
    }
    case payload_kind::BlobGet:
      if (message.body.as<BlobGet>())
        return get(context, std::move(message));
      break;
    case payload_kind::BlobsKeep:
      if (message.body.as<BlobsKeep>())
        return keep(context, std::move(message));
      break;
    default:
      break;
  }
  not_taken(context, "service blobs", message);
}

/// Whether something new is taken. What a slot stores belongs to a run that was accepted. Answers
/// the request if not.
bool blobs_logic::has_room(step_context& context, const envelope& request) {
  const auto& who = request.sender;
  if (who.what == address::kind::agent && is_pool_slot(who.agent))
    return true;
  auto space = check_space_for_new(store_->free_bytes(), options_.free_min, "document");
  if (space)
    return true;
  context.out.log(log_level::warning, component, space.error().message, request.trace.trace);
  context.out.send(reply_failure(request, space.error()));
  return false;
}

// -- fetching -------------------------------------------------------------------------------------

void blobs_logic::get(step_context& context, envelope message) {
  const auto& blob = message.body.as<BlobGet>()->blob();
  auto refuse = [&](const failure& why) { context.out.send(reply_failure(message, why)); };
  if (auto why = wrong_reference(blob))
    return refuse(*why);
  BlobFound found;
  found.set_cached(store_->in_memory(blob.sha256()));
  auto here = store_->get(blob.sha256());
  if (here && *here) {
    if (auto why = wrong_size(blob, (*here)->size()))
      return refuse(*why);
    tell_found(context, message, std::move(found));
    std::string hash[] = {blob.sha256()};
    if (auto used = store_->use(hash, context.now, collector_.grain()); !used)
      context.out.log(log_level::error, component, used.error().message);
    context.out.debug(
        component, [&] { return "gives " + label_of(blob) + " to " + to_string(message.sender); },
        message.trace.trace);
    handing_out_.push_back({std::move(message), **std::move(here)});
    return hand_out(context);
  }
  if (!here)
    context.out.log(log_level::error, component, here.error().message, message.trace.trace);
  auto holder = node_from_bytes(blob.holder());
  context.out.debug(
      component,
      [&] {
        return label_of(blob) + " for " + to_string(message.sender) + " is not here; its holder is "
               + (holder ? "node " + to_string(holder) : "not known");
      },
      message.trace.trace);
  if (!holder || holder == self_.node)
    return refuse(here ? failure{ec::not_found, label_of(blob) + " is not on this node"}
                       : std::move(here).error());
  blob_fetches::waiter waiter{blob, holder, std::move(message), 0};
  if (!here)
    waiter.errors.push_back(here.error().message);
  if (auto why = fetches_.wait(context, waiter))
    context.out.send(reply_failure(waiter.request, *why));
}

void blobs_logic::keep(step_context& context, envelope message) {
  const auto& wanted = message.body.as<BlobsKeep>()->blobs();
  auto refuse = [&](const failure& why) { context.out.send(reply_failure(message, why)); };
  if (static_cast<std::size_t>(wanted.size()) > limits::blobs_per_message_max)
    return refuse({ec::too_large, "at most " + std::to_string(limits::blobs_per_message_max)
                                      + " blobs are kept at once"});
  if (keeps_.size() >= limits::blob_keeps_max)
    return refuse({ec::overloaded, "too much waits for documents of other nodes"});
  std::vector<std::string> hashes;
  for (const auto& blob : wanted) {
    if (auto why = wrong_reference(blob))
      return refuse(*why);
    hashes.push_back(blob.sha256());
  }
  auto sizes = store_->use(hashes, context.now, collector_.grain());
  if (!sizes)
    return refuse(sizes.error());
  collector_.pin(hashes, context.now);
  collector_.used(context);
  std::vector<BlobRef> missing;
  std::set<std::string_view> seen;
  for (int i = 0; i < wanted.size(); ++i) {
    const auto& blob = wanted[i];
    auto here = (*sizes)[static_cast<std::size_t>(i)];
    if (auto why = here ? wrong_size(blob, *here) : std::nullopt)
      return refuse(*why);
    auto holder = node_from_bytes(blob.holder());
    if (!here && (!holder || holder == self_.node))
      return refuse({ec::not_found, label_of(blob) + " is not on this node"});
    if (!here && seen.insert(blob.sha256()).second)
      missing.push_back(blob);
  }
  if (!missing.empty() && !has_room(context, message))
    return;
  keeps_.begin(context, std::move(message), std::move(missing));
}

/// Somebody no longer waits. A blob that nobody waits for is not fetched, or is not accepted when
/// it comes.
void blobs_logic::given_up(step_context& context, const envelope& order) {
  bool in_keeps = keeps_.give_up(context, order);
  if (in_keeps || fetches_.give_up(context, order))
    context.out.send(reply_failure(order, {ec::cancelled, "the request was cancelled"}));
}

void blobs_logic::answer_keeps(step_context& context) {
  for (auto& ended : keeps_.take_ended()) {
    if (ended.why) {
      context.out.send(reply_failure(ended.request, *ended.why));
      continue;
    }
    BlobsStored done;
    done.mutable_blobs()->Swap(ended.request.body.as<BlobsKeep>()->mutable_blobs());
    for (auto& blob : *done.mutable_blobs())
      blob.set_holder(to_bytes(self_.node));
    context.out.send(reply_to(ended.request, std::move(done)));
  }
}

void blobs_logic::held(step_context& context, const BlobsHeld& news) {
  std::vector<std::string> hashes(news.sha256().begin(), news.sha256().end());
  if (auto used = store_->use(hashes, context.now, collector_.grain()); !used)
    context.out.log(log_level::error, component, used.error().message);
  collector_.used(context);
}

void blobs_logic::reply(step_context& context, envelope message) {
  if (collector_.answered(context, message, *store_)) {
    count();
    return go_on_later(context);
  }
  const std::string* bytes = nullptr;
  auto ended = fetches_.reply(context, message, bytes);
  if (bytes)
    fetched(context, std::move(ended), *bytes);
  else
    in_vain(context, ended);
}

/// The bytes are right whether or not they can be kept: the requesters get them at once.
void blobs_logic::fetched(step_context& context, blob_fetches::fetch_end ended,
                          const std::string& bytes) {
  gathered one;
  one.fetched = blob_bytes::copy_of(bytes); // for the disk and for all of them
  for (auto& waiter : ended.waiters) {
    if (waiter.keep == 0)
      tell_found(context, waiter.request, found_at(ended, waiter));
    if (auto why = wrong_size(waiter.blob, bytes.size())) {
      if (waiter.keep == 0)
        context.out.send(reply_failure(waiter.request, *why));
      else
        keeps_.failed(context, waiter.keep, waiter.blob, *why);
    } else if (waiter.keep != 0) {
      one.keeps.push_back(waiter.keep);
      one.kept.push_back(std::move(waiter.blob));
    } else {
      handing_out_.push_back({std::move(waiter.request), one.fetched});
    }
  }
  gather(context, std::move(one));
  hand_out(context);
}

void blobs_logic::in_vain(step_context& context, const blob_fetches::fetch_end& failed) {
  for (auto& waiter : failed.waiters) {
    if (waiter.keep != 0) {
      keeps_.failed(context, waiter.keep, waiter.blob, failed.why);
      continue;
    }
    tell_found(context, waiter.request, found_at(failed, waiter));
    context.out.send(reply_failure(waiter.request, failed.why));
  }
}

/// For the trace of who asked: it comes before the answer.
void blobs_logic::tell_found(step_context& context, const envelope& request,
                             BlobFound found) const {
  const auto& asker = request.sender;
  bool is_here = !asker.node || asker.node == self_.node;
  if (!request.trace.sampled() || !is_here || asker.what == address::kind::session)
    return;
  if (auto holder = node_from_bytes(found.holder()); holder && options_.name_of)
    found.set_holder_name(options_.name_of(holder));
  context.out.send(reply_to(request, std::move(found), message_kind::piece));
}

/// Each receiver will copy what it is given, so one step hands out only a bounded amount.
void blobs_logic::hand_out(step_context& context) {
  std::uint64_t bytes = 0;
  while (!handing_out_.empty() && bytes < limits::blob_deliver_bytes_aim) {
    auto& next = handing_out_.front();
    bytes += next.bytes.size();
    auto reply = reply_to(next.request, BlobData{});
    reply.body = payload::from_wire(payload_kind::BlobData, next.bytes.wire());
    context.out.send(std::move(reply));
    handing_out_.pop_front();
  }
  if (!handing_out_.empty())
    go_on_later(context);
}

// -- steps of its own -----------------------------------------------------------------------------

void blobs_logic::go_on(step_context& context) {
  going_on_ = false;
  flush(context);
  hand_out(context);
  if (collector_.go_on(context, *store_))
    go_on_later(context);
}

/// Soon, so that requests that come meanwhile join the next write and others get their turn.
void blobs_logic::go_on_later(step_context& context) {
  if (!std::exchange(going_on_, true))
    context.out.arm(go_on_timer, limits::blob_gather_time);
}

void blobs_logic::count() {
  counted_.plain().blobs.store(store_->count(), std::memory_order_relaxed);
  counted_.plain().blob_bytes.store(store_->bytes(), std::memory_order_relaxed);
}

} // namespace troupe
