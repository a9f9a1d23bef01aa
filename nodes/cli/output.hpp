#pragma once

#include "messages/envelope.hpp"
#include "messages/values.pb.h"
#include "nodes/cli/streams.hpp"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

/// What all commands print in the same way: errors, JSON, sizes, tables.
namespace troupe::cli {

using json = nlohmann::ordered_json;

/// Why a command ends without doing its work.
struct cli_error {
  int exit_code = 1;
  std::string code;    ///< a name for programs: "usage", "unavailable", "config"
  std::string message; ///< what, where, what to do
  std::string run{};   ///< the id of the run that this is about, for programs; may be empty
};

template <class T>
using cli_result = outcome<T, cli_error>;

cli_error usage_error(std::string message);
/// A failure from the cluster or from a link to it.
cli_error error_of(const failure& why);
/// A failure of this machine's own files.
cli_error error_of_files(const failure& why);
cli_error error_of(const std::string& config_message);

/// Prints `troupe: message`, always one line, to standard error or, with `as_json`, `{"error":
/// {"code", "message"}}`, with "run" beside it if it is about one, to standard output. Returns the
/// exit code.
int report(const cli_error& error, bool as_json = false);

/// What `report` prints.
std::string error_text(const cli_error& error, bool as_json);

/// Prints one JSON value on a line. Text that is not UTF-8 is repaired. Characters that terminals
/// obey are written as escapes.
void print_json(const json& value);
std::string to_line(const json& value);

json to_json(const Value& value);
json to_json(const failure& why);

/// What the terminal behind a descriptor can show.
struct terminal {
  bool is_terminal = false;
  bool colours = false; ///< a terminal, NO_COLOR not set, TERM not dumb
  int columns = 80;
};
terminal terminal_of(int fd);

enum class colour { none, dim, bold, green, yellow, red };
/// `text` in a colour; unchanged if `colours` is false.
std::string painted(std::string_view text, colour wanted, bool colours);

std::string human_bytes(std::uint64_t bytes); ///< "812 B", "1.4 KiB", "64 MiB"
std::string
human_duration(std::chrono::milliseconds d); ///< "12 ms", "3.4 s", "2 min 5 s", "3 h 10 min"

/// Makes text of several lines from others safe for a terminal. Files and pipes get it unchanged,
/// as their readers want it.
std::string shown_on(const terminal& place, std::string_view text);

/// Makes one line with our colours from any text.
std::string coloured_line(std::string_view text);

/// Rows of cells with columns aligned, two spaces between, the first row in bold.
std::string table(const std::vector<std::vector<std::string>>& rows, bool colours);

} // namespace troupe::cli
