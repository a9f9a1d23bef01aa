#pragma once

#include <string_view>

/// The two streams of a command: the one place that writes to them.
///
/// Two things go wrong where each command writes for itself. What cannot be written (a full disk, a
/// closed descriptor) is lost, and the command says that all went well. And names and texts of
/// others, with bytes that terminals obey, move the cursor, change the title or look like lines of
/// ours. So everything passes through here: the first write that fails is remembered for
/// `finish_output`, and nothing but our own colours, line ends and tabs reaches a terminal. Callers
/// put names and messages of others into lines of ours by `one_line` (telemetry/text_escape.hpp):
/// here a line end of theirs could not be told from one of ours.
///
/// Standard error is for people: that it cannot be written changes nothing.
namespace troupe::cli {

/// Opens /dev/null for those of the descriptors 0, 1 and 2 that are closed: the next file that is
/// opened would take their number, and what is printed would be written into it.
void open_standard_descriptors();

/// A write beyond what `ulimit -f` allows fails with EFBIG, and ends the process no more.
void survive_file_size_limits();

/// A reader that goes away ends a command by SIGPIPE as any Unix tool, but only at a write to
/// standard output: at sockets and at standard error the signal is ignored from here on. Where the
/// process was started with SIGPIPE ignored, it is never raised.
void take_over_broken_pipes();

/// From here on this process goes on without its readers, also if there was none from the start.
void outlive_readers();

/// Text of ours to standard output, without delay.
void print(std::string_view text);

/// A result, such as a report or an answer: on a terminal like `print`, to files and pipes byte by
/// byte as it is.
void print_data(std::string_view text);

/// `print_data` for a line that is drawn again: control sequences are ours.
void print_control(std::string_view text);

/// Text of ours to standard error.
void tell(std::string_view text);

/// The exit code of a command that would end with `code`: 73 with a message where standard output
/// could not be written. A reader that went away is no failure.
int finish_output(int code);

} // namespace troupe::cli
