#include "nodes/cli/interrupts.hpp"

#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

namespace troupe::cli {

interrupts::interrupts() {
  sigset_t wanted;
  ::sigemptyset(&wanted);
  for (auto signal : {SIGINT, SIGTERM, SIGHUP})
    ::sigaddset(&wanted, signal);
  ::sigprocmask(SIG_BLOCK, &wanted, nullptr);
  fd_ = unique_fd{::signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK)};
}

int interrupts::take() {
  signalfd_siginfo record{};
  if (::read(fd_.get(), &record, sizeof record) != static_cast<ssize_t>(sizeof record))
    return 0;
  return static_cast<int>(record.ssi_signo);
}

} // namespace troupe::cli
