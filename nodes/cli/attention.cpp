#include "nodes/cli/attention.hpp"

#include <poll.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <array>

namespace troupe::cli {

namespace {

bool is_readable(int fd) {
  pollfd asked{fd, POLLIN, 0};
  return ::poll(&asked, 1, 0) == 1;
}

bool watch(int epoll, int fd) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = fd;
  return ::epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0;
}

} // namespace

attention::attention() : both_(::epoll_create1(EPOLL_CLOEXEC)) {
  watch(both_.get(), signals_.fd());
}

bool attention::has_person() {
  return ::isatty(STDIN_FILENO) == 1 && ::isatty(STDERR_FILENO) == 1
         && ::tcgetpgrp(STDIN_FILENO) == ::getpgrp();
}

void attention::listen() {
  if (!listens_)
    listens_ = watch(both_.get(), STDIN_FILENO);
}

void attention::ignore_lines() {
  if (listens_)
    ::epoll_ctl(both_.get(), EPOLL_CTL_DEL, STDIN_FILENO, nullptr);
  listens_ = false;
}

std::optional<std::string> attention::take_line() {
  if (!listens_ || !is_readable(STDIN_FILENO))
    return std::nullopt;
  std::array<char, 256> bytes; // a terminal gives a line as a whole
  auto count = ::read(STDIN_FILENO, bytes.data(), bytes.size());
  std::string line(bytes.data(), count > 0 ? static_cast<std::size_t>(count) : 0);
  if (count <= 0)
    ignore_lines();
  return line.substr(0, line.find('\n'));
}

void attention::wait(std::chrono::milliseconds at_most) const {
  pollfd any{fd(), POLLIN, 0};
  ::poll(&any, 1, static_cast<int>(at_most.count()));
}

} // namespace troupe::cli
