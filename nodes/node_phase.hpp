#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace troupe {

/// Where a node is that `troupe up` keeps running.
enum class node_phase {
  starting, ///< its process runs and does not listen yet
  joining,  ///< it listens, and waits for the other nodes
  ready,    ///< it was linked with all members
  waiting,  ///< its process ended; the next one has a time
  given_up, ///< starting it again would not help, or is not wanted; `troupe up` tries it again
};

std::string_view to_string(node_phase phase);
/// `given_up` for any other word.
node_phase parse_node_phase(std::string_view text);

/// What the supervising process knows of a node.
struct supervised_node {
  std::string name;
  node_phase phase = node_phase::starting;
  pid_t pid = 0;                     ///< 0: no process
  std::uint32_t tries = 0;           ///< that have failed one after the other
  std::int64_t next_try_unix_ms = 0; ///< of a waiting one
  std::string why;                   ///< the last process's last words; empty if it is well
};

} // namespace troupe
