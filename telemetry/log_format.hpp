#pragma once

#include "telemetry/log.hpp"

#include <string>
#include <string_view>

namespace troupe {

/// A line and its time, as they are written. Pure, so that its escaping can be tested.
struct stamped_line {
  instant at;
  log_level level = log_level::info;
  std::string_view component;
  std::string_view node;
  std::string_view text;
  trace_id trace;
};

/// "2026-01-31T23:59:59.123456Z"
std::string to_iso8601(instant at);

/// {"ts":...,"level":...,"component":...,"node":...,"trace_id":...,"message":...} and a line feed;
/// `trace_id` only where there is one.
void append_json_line(std::string& out, const stamped_line& line);

/// For a person: time of day (UTC), level, node, component, text, and a line feed.
void append_readable_line(std::string& out, const stamped_line& line, bool colour);

} // namespace troupe
