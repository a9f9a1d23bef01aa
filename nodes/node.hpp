#pragma once

#include "actors/agents/role.hpp"
#include "config/config.hpp"

#include <functional>
#include <string>

namespace troupe {

/// What a node reports about itself, one JSON object per line, on the descriptor it was given.
///   {"event":"listening","id":"...","address":"127.0.0.1:4711",
///    "http_address":"127.0.0.1:4712","pid":1,"pulses":true}
///   {"event":"ready","id":"..."}            it is linked with every member and takes work
///   {"event":"failed","message":"..."}      it cannot start, and why
///   {"event":"pulse"}                       it is alive (with `pulses`: every
///                                           `limits::node_pulse`)
struct node_options {
  node_config cfg;
  role_table extra_roles; ///< compiled into the program; they replace YAML roles of the same name
  int ready_fd = -1;
  bool pulses = false; ///< write signs of life to `ready_fd`, which must then be non-blocking
};

/// Runs one node in this process until SIGTERM or SIGINT. Returns the exit code
/// (nodes/exit_codes.hpp): `exit_ok`, `exit_damaged`, `exit_unavailable` (it cannot listen),
/// `exit_part_failed`, `exit_cannot_write` or `exit_config`. If the disk fails, the process ends at
/// once with `exit_disk_failed`.
int run_node(const node_options& options);

} // namespace troupe
