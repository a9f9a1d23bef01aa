#pragma once

#include <string>
#include <vector>

namespace troupe {

/// The IP addresses of this machine as text, at most `host_addresses_max`, those of loopback
/// interfaces left out. On a machine without any other: 127.0.0.1, so that the processes of one
/// machine can be told to be on one machine.
std::vector<std::string> host_addresses();

} // namespace troupe
