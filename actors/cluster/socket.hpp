#pragma once

#include "messages/errors.hpp"
#include "persistence/files.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace troupe {

using unique_fd = file_handle; ///< sockets, too, are closed with their owner

struct host_port {
  std::string host;
  std::uint16_t port = 0;
};

/// "127.0.0.1:4711" or "[::1]:4711". Host names are refused but for `localhost`: nothing here waits
/// for DNS.
result<host_port> parse_host_port(std::string_view text);

/// A listening TCP socket, non-blocking. `unavailable` says who may be there already.
result<file_handle> listen_on(const host_port& place);

/// "127.0.0.1:4711" of a bound socket.
std::string local_address(int socket);

/// Starts to connect without waiting: writable once it is decided. `refused`: nobody listens there.
result<file_handle> start_connecting(const host_port& place);

/// What became of it: nothing, or the reason with `refused` (nobody listens there) or
/// `unavailable`.
result<void> connected(int socket);

/// What every connection of ours has: no delay, not inherited.
void prepare_connection(int socket);

} // namespace troupe
