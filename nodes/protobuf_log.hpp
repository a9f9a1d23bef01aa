#pragma once

#include "telemetry/log.hpp"

#include <memory>

namespace troupe {

/// Sends protobuf's messages to `log` from now on, or drops them if there is no log. They never go
/// to standard error, where they would mix with output for people and programs. Protobuf complains
/// about text that is not UTF-8 and about missing fields. Both are refused where they enter, so
/// such a message means a bug of ours. Does not keep the log alive. Callable from any thread.
void route_protobuf_log(const std::shared_ptr<log_sink>& log);

} // namespace troupe
