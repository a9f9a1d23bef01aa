#pragma once

#include "config/base/file_handle.hpp"
#include "config/base/host_port.hpp"
#include "messages/errors.hpp"

#include <string>
#include <string_view>

namespace troupe {

/// A host_port that can be connected to at once: host names but for `localhost` are refused, as
/// nothing here waits for DNS. Errors are `invalid_argument`.
result<host_port> parse_address(std::string_view text);

/// A listening TCP socket, non-blocking. The error `unavailable` says who may be there already.
result<file_handle> listen_on(const host_port& place);

/// "127.0.0.1:4711" of a bound socket.
std::string local_address(int socket);

/// Starts to connect without waiting; the socket is writable once the outcome is known. `refused`:
/// nobody listens there.
result<file_handle> start_connecting(const host_port& place);

/// The outcome: nothing, or the reason as `refused` (nobody listens there) or `unavailable`.
result<void> connected(int socket);

/// What every connection of ours has: no delay, not inherited.
void prepare_connection(int socket);

} // namespace troupe
