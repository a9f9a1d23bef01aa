#pragma once

#include "actors/cluster/socket.hpp"
#include "config/base/file_handle.hpp"
#include "messages/errors.hpp"

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <vector>

namespace troupe {

struct child_command {
  std::filesystem::path program;      ///< an executable file; not looked for in PATH
  std::vector<std::string> arguments; ///< without the program's name
  std::filesystem::path output;       ///< its standard output and error are appended here
};

/// A process that was started here. Its ready pipe is descriptor `ready_fd_number` in the child.
struct child_process {
  pid_t pid = 0;
  file_handle pidfd;     ///< readable when it has ended
  file_handle ready;     ///< what it says of itself, one line a message; not blocking
  off_t output_from = 0; ///< where its own lines in the output file begin
};

inline constexpr int ready_fd_number = 3;

/// How a process ended.
struct child_exit {
  int code = 0;   ///< as the shell has it: 128 + signal where a signal ended it
  int signal = 0; ///< 0: none
};

/// "exit code 65", "killed by signal 9 (Killed)"
std::string to_string(const child_exit& ended);

/// Starts the program in a process group of its own (a terminal's Ctrl-C does not reach it), in the
/// folder /, without this process's TROUPE_* environment and other descriptors, with no signal
/// blocked. It is killed when the calling thread ends. Output beyond
/// `limits::node_output_bytes_max` of earlier processes is dropped.
result<child_process> spawn(const child_command& command);

/// Closes every descriptor from 3 up but these: what a process was given and does not know of.
void close_all_but(std::vector<int> kept);

/// Takes note of the end of a process whose `pidfd` is readable.
child_exit reap(const child_process& process);

/// Stands for a process, never for a later one of the same number; readable when it has ended.
/// Without a descriptor if there is no such process.
file_handle open_pidfd(pid_t pid);

/// False if the process has ended, or belongs to somebody else.
bool send_signal(const file_handle& pidfd, int signal);

} // namespace troupe
