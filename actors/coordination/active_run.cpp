#include "actors/coordination/active_run.hpp"

#include "config/limits/messages.hpp"
#include "config/limits/runs.hpp"

#include <algorithm>

namespace troupe {

static_assert(limits::members_max <= 64, "a run keeps one bit for each node");

std::uint32_t active_run::role_in(lane_index lane) const {
  return static_cast<std::uint32_t>(std::find(lanes.begin(), lanes.end(), lane) - lanes.begin());
}

active_run::tries& active_run::tries_of(std::uint32_t task) {
  if (tried.size() <= task)
    tried.resize(state->size());
  return tried[task];
}

std::uint32_t active_run::waits_for_version() const {
  return static_cast<std::uint32_t>(std::count_if(
      versions.begin(), versions.end(), [](const auto& one) { return one.second.waits; }));
}

bool active_run::has_begun_anew_for(const envelope& wish) const noexcept {
  return std::any_of(set_aside.begin(), set_aside.end(), [&](const auto& one) {
    return one.session() == wish.sender.session.value && one.number() == wish.id.sequence;
  });
}

void active_run::attach(const envelope& asking, bool progress) {
  std::erase_if(attached,
                [&](const follower& one) { return one.who.session == asking.sender.session; });
  if (attached.size() >= limits::run_listeners_max)
    attached.erase(attached.begin());
  attached.push_back({asking.sender, asking.id, progress});
}

std::string active_run::title() const {
  return "run " + to_string(id) + " (" + state->graph().name() + ")";
}

envelope active_run::submission_head(const address& self) const {
  envelope head;
  head.kind = message_kind::request;
  head.id = request;
  head.trace = inside;
  head.tenant = tenant;
  head.sender = submitter;
  head.target = self;
  return head;
}

std::vector<envelope> active_run::news(const address& sender, payload body, bool progress) const {
  std::vector<envelope> all;
  auto add = [&](const address& who, message_id asked) {
    envelope message;
    message.id = asked;
    message.trace = inside;
    message.tenant = tenant;
    message.sender = sender;
    message.target = who;
    all.push_back(std::move(message));
  };
  if (!submitter.empty() && (want_progress || !progress))
    add(submitter, request);
  for (const auto& one : attached)
    if (one.want_progress || !progress)
      add(one.who, one.request);
  if (all.empty())
    return all;
  for (std::size_t i = 0; i + 1 < all.size(); ++i)
    all[i].body = body.share();
  all.back().body = std::move(body);
  return all;
}

} // namespace troupe
