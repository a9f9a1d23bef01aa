#include "nodes/cli/streams.hpp"

#include "config/limits/links.hpp"
#include "nodes/cli/interrupts.hpp"
#include "nodes/cli/output.hpp"
#include "nodes/exit_codes.hpp"
#include "telemetry/text_escape.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstring>
#include <string>

namespace troupe::cli {

namespace {

std::atomic<int> first_error = 0; ///< errno of standard output's first failed write
std::atomic<bool> dies_without_reader = false;
std::atomic<bool> needs_reader = true;

/// Waits until something can be written. False: a signal arrived that must end the command.
bool wait_until_writable(int fd, const std::function<void()>& meanwhile) {
  constexpr auto tick = static_cast<int>(limits::link_tick / std::chrono::milliseconds{1});
  for (;;) {
    pollfd waits[] = {{fd, POLLOUT, 0}, {interrupts_fd(), POLLIN, 0}};
    auto ready = ::poll(waits, 2, meanwhile ? tick : -1);
    if (ready < 0 && errno == EINTR)
      continue;
    if (ready != 0 || !meanwhile)
      return waits[0].revents != 0 || waits[1].revents == 0;
    meanwhile();
  }
}

/// 0, or the errno of the failed write. ECANCELED: a signal must end the command, and the reader
/// does not read.
int write_all(int fd, std::string_view text, const std::function<void()>& meanwhile = {}) {
  while (!text.empty()) {
    if (!wait_until_writable(fd, meanwhile))
      return ECANCELED;
    // A writable pipe takes this many bytes without waiting.
    auto written = ::write(fd, text.data(), std::min<std::size_t>(text.size(), PIPE_BUF));
    if (written >= 0)
      text.remove_prefix(static_cast<std::size_t>(written));
    else if (errno != EINTR && errno != EAGAIN) // another process may have made it non-blocking
      return errno;
  }
  return 0;
}

bool has_colours(int fd) { return terminal_of(fd).colours; }

void die_by_broken_pipe() {
  ::signal(SIGPIPE, SIG_DFL);
  sigset_t pipe;
  ::sigemptyset(&pipe);
  ::sigaddset(&pipe, SIGPIPE);
  ::pthread_sigmask(SIG_UNBLOCK, &pipe, nullptr);
  ::raise(SIGPIPE);
}

/// To standard output.
void put_out(std::string_view text, const std::function<void()>& meanwhile = {}) {
  if (first_error != 0)
    return; // otherwise the output would have a gap
  auto error = write_all(STDOUT_FILENO, text, meanwhile);
  if (error == EPIPE && dies_without_reader)
    die_by_broken_pipe();
  first_error = error;
}

} // namespace

void open_standard_descriptors() {
  for (auto fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    // Open standard output only for reading, so that printing to a closed one fails and is
    // reported.
    auto how = fd == STDOUT_FILENO ? O_RDONLY : O_RDWR;
    if (::fcntl(fd, F_GETFD) < 0 && errno == EBADF && ::open("/dev/null", how) != fd)
      ::_exit(exit_unavailable); // there is nowhere to report it
  }
}

void survive_file_size_limits() { ::signal(SIGXFSZ, SIG_IGN); }

void take_over_broken_pipes() {
  struct sigaction before {};
  ::sigaction(SIGPIPE, nullptr, &before);
  dies_without_reader = before.sa_handler != SIG_IGN;
  ::signal(SIGPIPE, SIG_IGN);
}

void outlive_readers() {
  dies_without_reader = false;
  needs_reader = false;
}

void print(std::string_view text) {
  print_control(terminal_text(text, has_colours(STDOUT_FILENO)));
}

void print_data(std::string_view text, const std::function<void()>& meanwhile) {
  if (::isatty(STDOUT_FILENO) == 1)
    put_out(terminal_text(text, has_colours(STDOUT_FILENO)), meanwhile);
  else
    put_out(text, meanwhile);
}

void print_control(std::string_view text) { put_out(text); }

void tell(std::string_view text) {
  [[maybe_unused]] auto error =
      write_all(STDERR_FILENO, terminal_text(text, has_colours(STDERR_FILENO)));
}

int finish_output(int code) {
  if (std::fflush(stdout) != 0 && first_error == 0) // output printed by libraries
    first_error = errno;
  // Some file systems report only at close that there is no room.
  if (int copy = ::dup(STDOUT_FILENO); copy >= 0 && ::close(copy) != 0 && first_error == 0)
    first_error = errno;
  if (first_error == 0 || first_error == EPIPE)
    return code;
  if (first_error == ECANCELED)
    return code == exit_ok ? exit_interrupted : code;
  if (first_error == EBADF && !needs_reader)
    return code;
  tell("troupe: cannot write to standard output: " + std::string(std::strerror(first_error))
       + "\n");
  return exit_cannot_write;
}

} // namespace troupe::cli
