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

/// What all commands print alike: errors, JSON, sizes, tables.
namespace troupe::cli {

using json = nlohmann::ordered_json;

/// Why a command ends without having done its work.
struct cli_error {
  int exit_code = 1;
  std::string code;    ///< a name for programs: "usage", "unavailable", "config"
  std::string message; ///< what, where, what to do
};

template <class T>
using cli_result = outcome<T, cli_error>;

cli_error usage_error(std::string message);
/// An answer of the cluster, or of a link to it.
cli_error error_of(const failure& why);
/// Of this machine's own files.
cli_error error_of_files(const failure& why);
cli_error error_of(const std::string& config_message);

/// Prints `troupe: message`, always one line, to standard error or, with `as_json`, `{"error":
/// {...}}` to standard output. Returns the exit code.
int report(const cli_error& error, bool as_json = false);

/// What `report` prints.
std::string error_text(const cli_error& error, bool as_json);

/// Prints one JSON value on a line. Text that is not UTF-8 is repaired; characters that terminals
/// obey are written by their numbers.
void print_json(const json& value);
std::string to_line(const json& value);

json to_json(const Value& value);
json to_json(const failure& why);

/// What people may be shown on the terminal behind a descriptor.
struct terminal {
  bool is_terminal = false;
  bool colours = false; ///< a terminal, NO_COLOR not set, TERM not dumb
  int columns = 80;
};
terminal terminal_of(int fd);

enum class colour { none, dim, bold, green, yellow, red };
/// `text` in a colour, or as it is.
std::string painted(std::string_view text, colour wanted, bool colours);

std::string human_bytes(std::uint64_t bytes); ///< "812 B", "1.4 KiB", "64 MiB"
std::string
human_duration(std::chrono::milliseconds d); ///< "12 ms", "3.4 s", "2 min 5 s", "3 h 10 min"

/// Text of several lines from others for a terminal: it cannot command it. As it is for files and
/// pipes, whose readers want it so.
std::string shown_on(const terminal& place, std::string_view text);

/// One line of ours with colours, whatever it was made of.
std::string coloured_line(std::string_view text);

/// Rows of cells with columns aligned, two spaces between, the first row in bold.
std::string table(const std::vector<std::vector<std::string>>& rows, bool colours);

} // namespace troupe::cli
