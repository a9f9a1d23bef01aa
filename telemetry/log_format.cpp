#include "telemetry/log_format.hpp"

#include "telemetry/text_escape.hpp"

#include <cstdio>
#include <ctime>

namespace troupe {

namespace {

std::string_view colour_of(log_level level) {
  switch (level) {
    case log_level::debug:
      return "\x1b[2m";
    case log_level::info:
      return "\x1b[32m";
    case log_level::warning:
      return "\x1b[33m";
    case log_level::error:
      return "\x1b[31m";
    case log_level::off:
      return {};
  }
  return {};
}

void append_member(std::string& out, std::string_view key, std::string_view value) {
  out += ",\"";
  out += key;
  out += "\":\"";
  append_json_escaped(out, value);
  out += '"';
}

} // namespace

std::string_view to_string(log_level level) {
  switch (level) {
    case log_level::debug:
      return "debug";
    case log_level::info:
      return "info";
    case log_level::warning:
      return "warning";
    case log_level::error:
      return "error";
    case log_level::off:
      return "off";
  }
  return "off";
}

std::string to_iso8601(instant at) {
  auto whole = std::chrono::floor<std::chrono::seconds>(at);
  auto micros = std::chrono::duration_cast<std::chrono::microseconds>(at - whole).count();
  std::time_t seconds = whole.time_since_epoch().count();
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  char text[96];
  std::snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02d.%06dZ", parts.tm_year + 1900,
                parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec,
                static_cast<int>(micros));
  return text;
}

void append_json_line(std::string& out, const stamped_line& line) {
  out += "{\"ts\":\"";
  out += to_iso8601(line.at);
  out += '"';
  append_member(out, "level", to_string(line.level));
  append_member(out, "component", line.component);
  append_member(out, "node", line.node);
  if (line.trace)
    append_member(out, "trace_id", to_string(line.trace));
  append_member(out, "message", line.text);
  out += "}\n";
}

void append_readable_line(std::string& out, const stamped_line& line, bool colour) {
  constexpr std::size_t level_width = 8, time_of_day = 11, time_digits = 12;
  auto level = to_string(line.level);
  out += to_iso8601(line.at).substr(time_of_day, time_digits);
  out += ' ';
  if (colour)
    out += colour_of(line.level);
  out += level;
  if (colour)
    out += "\x1b[0m";
  out.append(level_width - level.size(), ' ');
  if (!line.node.empty()) {
    append_terminal_escaped(out, line.node);
    out += ' ';
  }
  append_terminal_escaped(out, line.component);
  out += ": ";
  append_terminal_escaped(out, line.text);
  if (line.trace)
    out += " trace=" + to_string(line.trace);
  out += '\n';
}

} // namespace troupe
