#include "actors/coordination/active_run.hpp"

#include "config/limits/messages.hpp"

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

std::string active_run::title() const {
  return "run " + to_string(id) + " (" + state->graph().name() + ")";
}

envelope active_run::news(const address& sender, payload body) const {
  envelope message;
  message.id = request;
  message.trace = inside;
  message.tenant = tenant;
  message.sender = sender;
  message.target = submitter;
  message.body = std::move(body);
  return message;
}

} // namespace troupe
