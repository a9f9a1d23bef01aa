#pragma once

#include "telemetry/log.hpp"

#include <memory>

namespace troupe {

/// What protobuf has to say goes to `log` from now on, or nowhere: never to standard error, where
/// it would stand between what people and programs read. It complains of text that is not UTF-8 and
/// of missing fields; both are refused where they enter, so a line is a fault of ours. Does not
/// keep the log alive. Callable from any thread.
void route_protobuf_log(const std::shared_ptr<log_sink>& log);

} // namespace troupe
