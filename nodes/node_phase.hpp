#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace troupe {

/// The phase of a node that `troupe up` keeps running.
enum class node_phase {
  starting, ///< its process runs but does not listen yet
  joining,  ///< it listens and waits for the other nodes
  ready,    ///< it was linked with all members
  waiting,  ///< its process ended; the time of the next start is set
  given_up, ///< a restart would not help or is not wanted; `troupe up` restarts it
};

std::string_view to_string(node_phase phase);
/// `given_up` for any other word.
node_phase parse_node_phase(std::string_view text);

/// What the supervising process knows about a node.
struct supervised_node {
  std::string name;
  node_phase phase = node_phase::starting;
  pid_t pid = 0;                     ///< 0: no process
  std::uint32_t tries = 0;           ///< failed ones in a row
  std::int64_t next_try_unix_ms = 0; ///< if it is waiting
  std::string why;                   ///< the last words of its last process; empty if all is well
};

} // namespace troupe
