#include "nodes/cli/interrupts.hpp"

#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <atomic>

namespace troupe::cli {

namespace {

int unless_ignored(int signal) { return is_ignored(signal) ? 0 : signal; }

std::atomic<int> current_fd = -1;

} // namespace

bool is_ignored(int signal) {
  struct sigaction now {};
  return ::sigaction(signal, nullptr, &now) == 0 && now.sa_handler == SIG_IGN;
}

signal_descriptor::signal_descriptor(std::initializer_list<int> signals) {
  sigset_t wanted;
  ::sigemptyset(&wanted);
  for (auto signal : signals)
    if (signal != 0)
      ::sigaddset(&wanted, signal);
  ::pthread_sigmask(SIG_BLOCK, &wanted, nullptr);
  fd_ = file_handle{::signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK)};
}

int signal_descriptor::take() {
  signalfd_siginfo record{};
  if (::read(fd_.get(), &record, sizeof record) != static_cast<ssize_t>(sizeof record))
    return 0;
  return static_cast<int>(record.ssi_signo);
}

interrupts::interrupts(int more)
    : signal_descriptor{unless_ignored(SIGINT), unless_ignored(SIGTERM), unless_ignored(SIGHUP),
                        more} {
  current_fd = fd();
}

interrupts::~interrupts() {
  current_fd = -1;
  while (take() != 0) {
  }
  sigset_t ending;
  ::sigemptyset(&ending);
  for (auto signal : {SIGINT, SIGTERM, SIGHUP})
    ::sigaddset(&ending, signal);
  ::pthread_sigmask(SIG_UNBLOCK, &ending, nullptr);
}

int interrupts_fd() { return current_fd; }

} // namespace troupe::cli
