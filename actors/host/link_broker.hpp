#pragma once

#include "actors/cluster/acceptor.hpp"
#include "actors/host/link_hub.hpp"

namespace troupe {

/// Makes a connected socket a link: a broker in CAF's I/O thread, which owns the socket from now
/// on. The broker frames, counts and routes; it parses no payload and never blocks. A peer that
/// proves to be a member is attached to the post once its link counts (`peer_links`); a client is
/// attached as a session; anybody else is told why, and its connection is closed. Callable from any
/// thread.
///
/// While the node holds too many messages (`link_hub::is_full`) no link reads. That cannot last for
/// ever, whatever other nodes do. The messages in mailboxes are worked off without reading a link:
/// a logic never waits for a link, and a full outbox refuses messages or ends its link instead of
/// making anybody wait. So there will be room again, and `when_room` calls. If two nodes have both
/// halted, each still writes, if only pings, so neither takes the other for silent.
///
/// `expected` is the member that was dialled, zero for accepted connections. `door` is where it was
/// accepted; null for dialled connections. If a door has one too many, another leaves.
void adopt_link(link_hub& hub, int socket, node_id expected, newcomers* door);

/// What an acceptor needs to bring in connections by that door.
acceptor::options accept_at(link_hub& hub, newcomers& door);

} // namespace troupe
