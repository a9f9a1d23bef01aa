#pragma once

#include "actors/cluster/acceptor.hpp"
#include "actors/host/link_hub.hpp"

namespace troupe {

/// Makes a connected socket a link: a broker in CAF's I/O thread, which owns the socket from now
/// on. The broker frames, counts and routes; it parses no payload and never blocks. A peer that
/// proves to be a member is attached to the post once its link counts (`peer_links`), a client as a
/// session; anybody else is told why and closed. Callable from any thread.
///
/// While the node holds too many messages (`link_hub::is_full`) no link reads. That cannot last for
/// ever, whatever other nodes do: what waits in mailboxes is worked on and goes without a link
/// being read (a logic never waits for a link, and an outbox that is full refuses or ends its link
/// instead of making anybody wait), so there is room again, and `when_room` calls. Two nodes that
/// have both halted each write on, if only pings, and neither takes the other for silent.
///
/// `expected` is the member that was dialled, zero for accepted connections. `door` is where it was
/// accepted; one too many, and another leaves. Null for dialled ones.
void adopt_link(link_hub& hub, int socket, node_id expected, newcomers* door);

/// What an acceptor needs to bring connections in by that door.
acceptor::options accept_at(link_hub& hub, newcomers& door);

} // namespace troupe
