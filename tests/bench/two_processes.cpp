#include "tests/bench/two_processes.hpp"

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>

namespace troupe::bench {

other_process::other_process(
    const std::function<void(const announcer&, const std::function<void()>&)>& serve) {
  int announced[2];
  int held[2];
  if (::pipe(announced) != 0 || ::pipe(held) != 0)
    std::abort();
  child_ = ::fork();
  if (child_ == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::close(announced[0]);
    ::close(held[1]);
    serve(
        [&](const std::string& place) {
          auto line = place + "\n";
          if (::write(announced[1], line.data(), line.size()) < 0)
            std::abort();
        },
        [&] {
          char ignored;
          while (::read(held[0], &ignored, 1) > 0) {
          }
        });
    ::_exit(0);
  }
  ::close(announced[1]);
  ::close(held[0]);
  hold_ = held[1];
  for (char c; ::read(announced[0], &c, 1) == 1 && c != '\n';)
    place_ += c;
  ::close(announced[0]);
}

other_process::~other_process() {
  ::close(hold_);
  ::waitpid(child_, nullptr, 0);
}

} // namespace troupe::bench
