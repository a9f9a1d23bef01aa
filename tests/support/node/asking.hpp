#pragma once

#include "tests/support/node/whole_node.hpp"

#include <memory>
#include <optional>

namespace troupe::test {

/// An agent of `node` with that mind, from now until the object ends; it has ended by then. Made on
/// any thread but the node's own.
class placed_agent {
public:
  placed_agent(whole_node& node, std::unique_ptr<logic> mind);
  ~placed_agent();
  placed_agent(const placed_agent&) = delete;
  placed_agent& operator=(const placed_agent&) = delete;

  const address& place() const noexcept { return place_; }

private:
  address place_;
  logic_actor shell_;
};

/// An agent of `node` sends the request, from any thread but the node's own. Gives the first answer
/// that is no news (RunAccepted, RunProgress, Piece); nothing if none came within 20 s. The agent
/// has ended by then.
std::optional<envelope> ask_as_agent(whole_node& node, envelope request);

} // namespace troupe::test
