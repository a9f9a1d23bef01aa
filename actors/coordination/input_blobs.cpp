#include "actors/coordination/input_blobs.hpp"

#include "config/limits/runs.hpp"
#include "config/limits/storage.hpp"
#include "messages/agents.pb.h"
#include "messages/value_blobs.hpp"

#include <algorithm>
#include <utility>

namespace troupe {

void input_blobs::start(step_context& context, const address& self) {
  self_ = self;
  session_ = {context.random.next() | 1};
}

bool input_blobs::are_named_by(const value_map& inputs) {
  return !each_blob_of(inputs, [](const BlobRef&) { return false; });
}

void input_blobs::bring(step_context& context, waiting_run run) {
  entry made;
  each_blob_of(run.wanted.inputs, [&](const BlobRef& blob) {
    made.missing.push_back(blob);
    return true;
  });
  made.run = std::move(run);
  made.until = context.now + limits::run_inputs_time_max;
  ask(context, std::move(made));
  arm(context);
}

void input_blobs::ask(step_context& context, entry waiting) {
  BlobsKeep wanted;
  auto count = std::min(waiting.missing.size(), limits::blobs_per_message_max);
  for (std::size_t i = 0; i < count; ++i) {
    *wanted.add_blobs() = std::move(waiting.missing.back());
    waiting.missing.pop_back();
  }
  auto request = make_envelope(message_kind::request, address::of(service::blobs, self_.node),
                               std::move(wanted));
  request.id = {session_, ++requests_};
  request.sender = self_;
  request.trace = waiting.run.request.trace;
  request.remaining =
      std::chrono::duration_cast<std::chrono::milliseconds>(waiting.until - context.now);
  waiting_.emplace(requests_, std::move(waiting));
  context.out.send(std::move(request));
}

void input_blobs::arm(step_context& context) {
  auto first = std::min_element(waiting_.begin(), waiting_.end(), [](const auto& a, const auto& b) {
    return a.second.until < b.second.until;
  });
  std::chrono::nanoseconds after{0};
  if (first != waiting_.end())
    after = std::max<std::chrono::nanoseconds>(first->second.until - context.now,
                                               std::chrono::nanoseconds{1});
  context.out.arm(timer_, after);
}

bool input_blobs::keep_behind(envelope& message, const std::string& key) {
  for (auto& [number, one] : waiting_) {
    const auto& first = one.run.request;
    bool is_repeated = first.id == message.id && first.sender.session == message.sender.session;
    bool has_key = !key.empty() && one.run.wanted.key == key && first.tenant == message.tenant;
    if ((!is_repeated && !has_key) || behind_ >= limits::runs_asked_at_once_max)
      continue;
    ++behind_;
    one.behind.push_back(std::move(message));
    return true;
  }
  return false;
}

input_blobs::brought_run input_blobs::take(table::iterator at, std::optional<failure> why) {
  brought_run made{std::move(at->second.run), std::move(why), std::move(at->second.behind)};
  behind_ -= made.behind.size();
  waiting_.erase(at);
  if (!made.why)
    for (auto& [key, value] : made.run.wanted.inputs)
      change_blobs(value, [&](BlobRef& blob) { blob.set_holder(to_bytes(self_.node)); });
  made.run.wanted.has_blobs = !made.why;
  return made;
}

std::optional<input_blobs::brought_run> input_blobs::take_answer(step_context& context,
                                                                 envelope& reply) {
  auto found = waiting_.find(reply.id.sequence);
  if (found == waiting_.end())
    return std::nullopt;
  auto why = failure_in(reply);
  if (!why && !found->second.missing.empty()) {
    auto more = std::move(found->second);
    waiting_.erase(found);
    ask(context, std::move(more));
    return std::nullopt;
  }
  if (why)
    why->message =
        "the run was not begun, because a file of its inputs is not there: " + why->message;
  auto done = take(found, std::move(why));
  arm(context);
  return done;
}

std::vector<input_blobs::brought_run> input_blobs::timer_fired(step_context& context) {
  std::vector<brought_run> late;
  for (auto at = waiting_.begin(); at != waiting_.end();) {
    auto one = at++;
    if (one->second.until <= context.now)
      late.push_back(take(one, failure{ec::timed_out,
                                       "the run was not begun, because the files of its inputs did "
                                       "not come in time: submit it again"}));
  }
  arm(context);
  return late;
}

std::vector<input_blobs::brought_run> input_blobs::take_all() {
  std::vector<brought_run> all;
  while (!waiting_.empty())
    all.push_back(
        take(waiting_.begin(), failure{ec::unavailable, "the node that was to own the run "
                                                        "is stopping: submit it again"}));
  return all;
}

} // namespace troupe
