#pragma once

#include "messages/cluster.pb.h"
#include "messages/envelope.hpp"

namespace troupe {

/// Writes into a message that came over a link who sent it: the peer that has proven who it is,
/// whatever the message says of itself. What that peer may say, and to whom, the post judges by
/// this (messages/contracts.hpp).
///
///  - A client speaks as its session: replies come to it, its numbers are its own, and what another
///    session was answered cannot be fetched. Its tenant is the default one until clients prove
///    one.
///  - A member speaks for itself and its clients: the sender is at that node. It means this node
///    (`self`), and nobody behind it.
void stamp(envelope& message, const Hello& peer, node_id self);

} // namespace troupe
