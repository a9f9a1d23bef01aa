#include "actors/cluster/stamp.hpp"

namespace troupe {

void stamp(envelope& message, const Hello& peer, node_id self) {
  if (peer.client()) {
    message.sender = address::of_session({peer.session()});
    message.id.session = {peer.session()};
    message.tenant = {};
    return;
  }
  message.sender.node = node_from_bytes(peer.node().id());
  if (!message.target.node)
    message.target.node = self;
}

} // namespace troupe
