#pragma once

#include "config/limits/runs.hpp"
#include "messages/envelope.hpp"

#include <cstdint>
#include <map>
#include <optional>

namespace troupe {

/// Clients whose sessions ended while requests to the owner waited: what such a request begins may
/// have nobody who waits for it. Bounded; clients beyond that are not noted.
class absent_clients {
public:
  /// The session on this node has ended. `gone`: since when its client counts as gone.
  void note(std::uint64_t session, instant gone) {
    if (since_.size() < limits::runs_asked_at_once_max)
      since_.emplace(session, gone);
  }
  /// The client is back.
  void heard_of(const address& client) {
    if (!since_.empty() && client.what == address::kind::session)
      since_.erase(client.session.value);
  }
  /// Nothing: the client is there, or has its link to another node than `here` by now.
  std::optional<instant> gone_since(const address& client, node_id here) const {
    auto found = since_.find(client.session.value);
    if (found == since_.end() || client.what != address::kind::session
        || (client.node && client.node != here))
      return std::nullopt;
    return found->second;
  }
  /// No request waits any more.
  void clear() { since_.clear(); }

private:
  std::map<std::uint64_t, instant> since_;
};

} // namespace troupe
