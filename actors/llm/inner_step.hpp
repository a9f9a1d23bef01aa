#pragma once

#include "actors/logic.hpp"

#include <algorithm>
#include <iterator>
#include <utility>
#include <vector>

namespace troupe {

/// Lets a logic that another one owns make a step. What it wants is wanted by its owner too: all
/// but its messages, which are returned.
template <class Step>
std::vector<envelope> inner_step(step_context& context, const Step& step) {
  outputs wanted;
  wanted.debugs = context.out.debugs;
  step_context within{context.now, context.random, wanted, context.clock};
  step(within);
  auto move = [](auto& all, auto& into) {
    std::move(all.begin(), all.end(), std::back_inserter(into));
  };
  auto& to = context.out;
  move(wanted.timers, to.timers);
  move(wanted.starts, to.starts);
  move(wanted.stops, to.stops);
  move(wanted.spans, to.spans);
  move(wanted.logs, to.logs);
  move(wanted.unread, to.unread);
  to.leaves = to.leaves || wanted.leaves;
  return std::move(wanted.sends);
}

} // namespace troupe
