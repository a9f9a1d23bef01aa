#include "nodes/cli/output.hpp"

#include "config/base/hex.hpp"
#include "messages/values.pb.h"
#include "nodes/exit_codes.hpp"
#include "telemetry/text_escape.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>

namespace troupe::cli {

namespace {

std::string one_decimal(double number, const char* unit) {
  std::array<char, 48> text;
  std::snprintf(text.data(), text.size(), number < 9.95 ? "%.1f %s" : "%.0f %s", number, unit);
  return text.data();
}

/// The number of columns of UTF-8 text. Colours take none; a wide character counts as one.
std::size_t width_of(std::string_view text) {
  std::size_t width = 0;
  bool escape = false;
  for (char c : text) {
    if (c == '\x1b')
      escape = true;
    else if (escape)
      escape = c != 'm';
    else if ((static_cast<unsigned char>(c) & 0xc0) != 0x80)
      ++width;
  }
  return width;
}

/// JSON without characters that a terminal obeys. Control characters below 0x20 are already
/// escaped. The others are DEL and characters that begin with one of the other two bytes.
std::string escaped_json(std::string_view text) {
  constexpr std::string_view suspects = "\x7f\xc2\xe2";
  std::string escaped;
  escaped.reserve(text.size());
  while (!text.empty()) {
    auto plain = std::min(text.find_first_of(suspects), text.size());
    escaped += text.substr(0, plain);
    text.remove_prefix(plain);
    auto length = std::min(std::max<std::size_t>(utf8_length(text), 1), text.size());
    append_json_escaped(escaped, text.substr(0, length));
    text.remove_prefix(length);
  }
  return escaped;
}

} // namespace

cli_error usage_error(std::string message) { return {exit_usage, "usage", std::move(message)}; }

cli_error error_of(const failure& why) {
  return {exit_code_of(why.code), std::string(to_string(why.code)), why.message};
}

cli_error error_of_files(const failure& why) {
  return {exit_code_of_files(why.code), std::string(to_string(why.code)), why.message};
}

cli_error error_of(const std::string& config_message) {
  return {exit_config, "config", config_message};
}

std::string error_text(const cli_error& error, bool as_json) {
  if (as_json) {
    json told{{"error", {{"code", error.code}, {"message", error.message}}}};
    if (!error.run.empty())
      told["run"] = error.run;
    return to_line(told);
  }
  return "troupe: " + one_line(error.message) + "\n";
}

int report(const cli_error& error, bool as_json) {
  auto text = error_text(error, as_json);
  as_json ? print(text) : tell(text);
  return error.exit_code;
}

std::string to_line(const json& value) {
  return escaped_json(value.dump(-1, ' ', false, json::error_handler_t::replace)) + "\n";
}

void print_json(const json& value) { print(to_line(value)); }

json to_json(const Value& value) {
  switch (value.kind_case()) {
    case Value::kText:
      return value.text();
    case Value::kInteger:
      return value.integer();
    case Value::kNumber:
      return value.number();
    case Value::kFlag:
      return value.flag();
    case Value::kBlob:
      return {{"name", value.blob().name()},
              {"size_bytes", value.blob().size_bytes()},
              {"sha256", to_hex(value.blob().sha256())}};
    case Value::kList: {
      auto items = json::array();
      for (const auto& item : value.list().items())
        items.push_back(to_json(item));
      return items;
    }
    case Value::kMap: {
      std::vector<std::string> keys; // protobuf maps have no order
      for (const auto& [key, unused] : value.map().fields())
        keys.push_back(key);
      std::sort(keys.begin(), keys.end());
      auto fields = json::object();
      for (const auto& key : keys)
        fields[key] = to_json(value.map().fields().at(key));
      return fields;
    }
    case Value::KIND_NOT_SET:
      return nullptr;
  }
  return nullptr;
}

json to_json(const failure& why) {
  return {{"code", to_string(why.code)}, {"message", why.message}};
}

terminal terminal_of(int fd) {
  terminal found;
  found.is_terminal = ::isatty(fd) == 1;
  if (!found.is_terminal)
    return found;
  auto no_colour = std::getenv("NO_COLOR"); // https://no-color.org: set and not empty
  auto kind = std::getenv("TERM");
  found.colours = !(no_colour && *no_colour) && !(kind && std::string_view(kind) == "dumb");
  winsize size{};
  if (::ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
    found.columns = size.ws_col;
  return found;
}

std::string painted(std::string_view text, colour wanted, bool colours) {
  if (!colours || wanted == colour::none || text.empty())
    return std::string(text);
  constexpr std::array codes{"", "2", "1", "32", "33", "31"};
  return std::string("\x1b[") + codes[static_cast<std::size_t>(wanted)] + "m" + std::string(text)
         + "\x1b[0m";
}

std::string human_bytes(std::uint64_t bytes) {
  if (bytes < 1024)
    return std::to_string(bytes) + " B";
  auto amount = static_cast<double>(bytes) / 1024;
  for (auto unit : {"KiB", "MiB", "GiB"}) {
    if (amount < 1023.5)
      return one_decimal(amount, unit);
    amount /= 1024;
  }
  return one_decimal(amount, "TiB");
}

std::string human_duration(std::chrono::milliseconds d) {
  auto ms = d.count();
  if (ms < 1'000)
    return std::to_string(ms) + " ms";
  if (ms < 60'000)
    return one_decimal(static_cast<double>(ms) / 1'000, "s");
  auto minutes = ms / 60'000;
  auto seconds = ms / 1'000 % 60;
  if (minutes < 60)
    return std::to_string(minutes) + " min"
           + (seconds == 0 ? "" : " " + std::to_string(seconds) + " s");
  return std::to_string(minutes / 60) + " h " + std::to_string(minutes % 60) + " min";
}

std::string coloured_line(std::string_view text) {
  auto line = terminal_text(text, true);
  std::replace_if(
      line.begin(), line.end(), [](char c) { return c == '\n' || c == '\t'; }, ' ');
  return line;
}

std::string table(const std::vector<std::vector<std::string>>& given, bool colours) {
  auto rows = given;
  for (auto& row : rows)
    std::transform(row.begin(), row.end(), row.begin(), coloured_line);
  std::vector<std::size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i)
      widths[i] = std::max(widths[i], width_of(row[i]));
  }
  std::string text;
  for (std::size_t r = 0; r < rows.size(); ++r) {
    std::string line;
    for (std::size_t i = 0; i < rows[r].size(); ++i) {
      line += rows[r][i];
      if (i + 1 < rows[r].size())
        line.append(widths[i] - width_of(rows[r][i]) + 2, ' ');
    }
    text += painted(line, r == 0 ? colour::bold : colour::none, colours) + "\n";
  }
  return text;
}

std::string shown_on(const terminal& place, std::string_view text) {
  return place.is_terminal ? terminal_text(text) : std::string(text);
}

} // namespace troupe::cli
