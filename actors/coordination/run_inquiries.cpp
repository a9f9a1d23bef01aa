#include "actors/coordination/run_inquiries.hpp"

#include "config/limits/runs.hpp"

#include <utility>

namespace troupe {

void run_inquiries::start(step_context& context, const address& self) {
  self_ = self;
  session_ = {context.random.next() | 1};
}

bool run_inquiries::ask(step_context& context, inquiry about, payload to_journal) {
  auto bytes = about.asked.body.wire_size();
  if (waiting_.size() >= limits::runs_asked_at_once_max
      || bytes_ + bytes > limits::runs_asked_bytes_max)
    return false;
  bytes_ += bytes;
  readers_ += about.reader ? 1 : 0;
  envelope request;
  request.kind = message_kind::request;
  request.id = {session_, ++requests_};
  request.sender = self_;
  request.target = address::of(service::journal, self_.node);
  request.body = std::move(to_journal);
  waiting_.emplace(requests_, waiting_inquiry{std::move(about), bytes});
  context.out.send(std::move(request));
  return true;
}

std::optional<run_inquiries::inquiry> run_inquiries::take_answer(const envelope& reply) {
  auto found = waiting_.find(reply.id.sequence);
  if (reply.id.session != session_ || found == waiting_.end())
    return std::nullopt;
  return take(found);
}

run_inquiries::inquiry run_inquiries::take(std::map<std::uint64_t, waiting_inquiry>::iterator at) {
  auto taken = std::move(at->second.about);
  bytes_ -= at->second.bytes;
  readers_ -= taken.reader ? 1 : 0;
  waiting_.erase(at);
  return taken;
}

bool run_inquiries::repeated(const envelope& asked) {
  for (auto& [number, one] : waiting_) {
    auto& waits = one.about.asked;
    if (waits.id != asked.id || waits.sender.session != asked.sender.session)
      continue;
    waits.sender = asked.sender;
    return true;
  }
  return false;
}

std::vector<run_inquiries::inquiry> run_inquiries::take_all() {
  std::vector<inquiry> all;
  while (!waiting_.empty())
    all.push_back(take(waiting_.begin()));
  return all;
}

} // namespace troupe
