#pragma once

#include "messages/cluster.pb.h"
#include "messages/envelope.hpp"

namespace troupe {

/// Writes the sender into a message that came over a link: the peer that has proven who it is,
/// whatever the message itself says. From this, the post judges what that peer may send, and to
/// whom (messages/contracts.hpp).
///
///  - A client speaks as its session: replies come to it, its numbers are its own, and it cannot
///    fetch the answers of another session. Its tenant is the default one until clients can prove a
///    tenant.
///  - A member speaks for itself and its clients: the sender is at that node. Its messages are for
///    this node (`self`), and for nobody behind it.
void stamp(envelope& message, const Hello& peer, node_id self);

} // namespace troupe
