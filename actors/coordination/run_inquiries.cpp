#include "actors/coordination/run_inquiries.hpp"

#include "config/limits/runs.hpp"

#include <utility>

namespace troupe {

void run_inquiries::start(step_context& context, const address& self) {
  self_ = self;
  session_ = {context.random.next() | 1};
}

bool run_inquiries::ask(step_context& context, inquiry about, payload to_journal) {
  if (waiting_.size() >= limits::runs_asked_at_once_max)
    return false;
  envelope request;
  request.kind = message_kind::request;
  request.id = {session_, ++requests_};
  request.sender = self_;
  request.target = address::of(service::journal, self_.node);
  request.body = std::move(to_journal);
  waiting_.emplace(requests_, std::move(about));
  context.out.send(std::move(request));
  return true;
}

std::optional<run_inquiries::inquiry> run_inquiries::take_answer(const envelope& reply) {
  auto found = waiting_.find(reply.id.sequence);
  if (reply.id.session != session_ || found == waiting_.end())
    return std::nullopt;
  std::optional<inquiry> taken{std::move(found->second)};
  waiting_.erase(found);
  return taken;
}

std::vector<run_inquiries::inquiry> run_inquiries::take_all() {
  std::vector<inquiry> all;
  for (auto& [number, about] : std::exchange(waiting_, {}))
    all.push_back(std::move(about));
  return all;
}

} // namespace troupe
