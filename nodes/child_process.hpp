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
  std::vector<std::string> keys = {}; ///< variables with secrets that it is to have
};

/// A process that was started here. Its ready pipe is descriptor `ready_fd_number` in the child.
struct child_process {
  pid_t pid = 0;
  file_handle pidfd;     ///< readable when it has ended
  file_handle ready;     ///< what it reports about itself, one line per message; non-blocking
  off_t output_from = 0; ///< where its own lines in the output file begin
};

inline constexpr int ready_fd_number = 3;

/// How a process ended.
struct child_exit {
  int code = 0;   ///< as in the shell: 128 + signal if a signal ended it
  int signal = 0; ///< 0: none
};

/// "exit code 65", "killed by signal 9 (Killed)"
std::string to_string(const child_exit& ended);

/// Starts the program in its own process group (so a terminal's Ctrl-C does not reach it) and in
/// the folder /. It does not inherit other descriptors or blocked signals, and of the environment
/// only what a node needs and what `keys` names: any other variable may hold a secret. It is killed
/// when the calling thread ends. The output file is emptied first if earlier processes wrote more
/// than `limits::node_output_bytes_max` to it.
result<child_process> spawn(const child_command& command);

/// Closes every descriptor from 3 up except these. A process may have inherited some that it does
/// not know.
void close_all_but(std::vector<int> kept);

/// Collects the exit status of a process whose `pidfd` is readable.
child_exit reap(const child_process& process);

/// The result refers to this process, never to a later one with the same number. It becomes
/// readable when the process has ended. It has no descriptor if there is no such process.
file_handle open_pidfd(pid_t pid);

/// False if the process has ended, or belongs to somebody else.
bool send_signal(const file_handle& pidfd, int signal);

} // namespace troupe
