#pragma once

#include <functional>
#include <string_view>

/// The two output streams of a command. Nothing else writes to them.
///
/// If each command wrote for itself, two things would go wrong. First, output that cannot be
/// written (a full disk, a closed descriptor) would be lost, and the command would report success.
/// Second, names and texts from others may contain bytes that terminals obey: they could move the
/// cursor, change the title or imitate our lines. So all output passes through here. The first
/// failed write is remembered for `finish_output`, and only our own colours, line ends and tabs
/// reach a terminal. Callers use `one_line` (telemetry/text_escape.hpp) to put names and messages
/// from others into our lines, because here their line ends would look like ours.
///
/// Standard error is for people: a failed write to it changes nothing.
namespace troupe::cli {

/// Opens /dev/null for each of the descriptors 0, 1 and 2 that is closed. Otherwise the next opened
/// file would get that number, and output would be written into it.
void open_standard_descriptors();

/// From here on, a write beyond the limit of `ulimit -f` fails with EFBIG and does not end the
/// process.
void survive_file_size_limits();

/// From here on, SIGPIPE is ignored, except that a write to standard output without a reader ends
/// the command with it, like any Unix tool. If the process was started with SIGPIPE ignored, the
/// signal is never raised.
void take_over_broken_pipes();

/// From here on, this process goes on when its readers end, or if it never had any.
void outlive_readers();

/// Writes our own text to standard output at once.
void print(std::string_view text);

/// Writes a result, such as a report or an answer: to a terminal like `print`, to files and pipes
/// unchanged. `meanwhile` is called every `limits::link_tick` while the reader does not read.
void print_data(std::string_view text, const std::function<void()>& meanwhile = {});

/// Writes text unchanged. For a line that is redrawn with our own control sequences.
void print_control(std::string_view text);

/// Writes our own text to standard error.
void tell(std::string_view text);

/// The exit code of a command that would end with `code`. It is 73, with a message, if standard
/// output could not be written. A reader that ended is not a failure.
int finish_output(int code);

} // namespace troupe::cli
