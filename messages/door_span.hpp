#pragma once

#include "config/base/split_mix.hpp"
#include "messages/envelope.hpp"

namespace troupe {

/// The id of the span at a node's door for that attempt at a request of a client. It is made from
/// these, not drawn: a client that repeats the request elsewhere, because the node is lost, can
/// write the span that is above all the node did for it.
inline span_id door_span(const message_id& request, std::uint64_t attempt, node_id node,
                         std::uint64_t incarnation) {
  std::uint64_t mixed = 0;
  for (auto part :
       {request.session.value, request.sequence, attempt, node.hi, node.lo, incarnation})
    mixed = split_mix{mixed + part}.next();
  return {mixed | 1};
}

} // namespace troupe
