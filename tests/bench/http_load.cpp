#include "tests/bench/http_load.hpp"

#include "tests/support/process.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <ctime>
#include <stdexcept>

namespace troupe::bench {

namespace {

sockaddr_in address_of(const std::string& host_port) {
  auto colon = host_port.rfind(':');
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_port = htons(static_cast<std::uint16_t>(std::stoi(host_port.substr(colon + 1))));
  if (::inet_pton(AF_INET, host_port.substr(0, colon).c_str(), &at.sin_addr) != 1)
    throw std::runtime_error(host_port + " is no address");
  return at;
}

int connect_to(const sockaddr_in& at) {
  int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0 || ::connect(fd, reinterpret_cast<const sockaddr*>(&at), sizeof at) != 0)
    throw std::runtime_error("cannot connect");
  int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return fd;
}

/// The bytes of the first answer in `heard`; 0 if it is not whole yet.
std::size_t whole_answer(const std::string& heard) {
  constexpr std::string_view length = "Content-Length: ";
  auto end = heard.find("\r\n\r\n");
  auto at = heard.find(length);
  if (end == heard.npos)
    return 0;
  if (heard.compare(0, 12, "HTTP/1.1 200") != 0 || at > end)
    throw std::runtime_error("not the answer that was wanted: " + heard);
  auto size = end + 4 + std::strtoul(heard.c_str() + at + length.size(), nullptr, 10);
  return heard.size() >= size ? size : 0;
}

void stay_on(int core) {
  cpu_set_t cores;
  CPU_ZERO(&cores);
  CPU_SET(core, &cores);
  ::sched_setaffinity(0, sizeof cores, &cores);
}

} // namespace

http_load::http_load(const std::string& host_port, std::string request, std::size_t connections)
    : request_(std::move(request)), address_(host_port), connections_(connections),
      poll_(::epoll_create1(0)) {
  stay_on(1);
  for (auto& one : connections_)
    open(one);
}

void http_load::open(connection& one) const {
  one.fd = connect_to(address_of(address_));
  epoll_event wanted{};
  wanted.events = EPOLLIN;
  wanted.data.ptr = &one;
  ::epoll_ctl(poll_, EPOLL_CTL_ADD, one.fd, &wanted);
}

http_load::~http_load() {
  for (auto& one : connections_)
    ::close(one.fd);
  ::close(poll_);
}

void http_load::ask(const connection& by) const {
  if (::send(by.fd, request_.data(), request_.size(), MSG_NOSIGNAL)
      != static_cast<ssize_t>(request_.size()))
    throw std::runtime_error("a request was not taken");
}

/// Whether an answer is whole.
bool http_load::take(connection& by) {
  char bytes[16 * 1024];
  auto got = ::recv(by.fd, bytes, sizeof bytes, 0);
  if (got <= 0)
    throw std::runtime_error(address_
                             + " closed a connection, having said: " + by.heard.substr(0, 300));
  by.heard.append(bytes, static_cast<std::size_t>(got));
  auto size = whole_answer(by.heard);
  if (size != 0 && by.heard.find("\r\nConnection: close") < size) {
    ::close(by.fd);
    open(by);
  }
  by.heard.erase(0, size);
  return size != 0;
}

std::uint64_t http_load::turn(bool asks_again, int wait_ms) {
  epoll_event events[256];
  auto ready = ::epoll_wait(poll_, events, 256, wait_ms);
  std::uint64_t answers = 0;
  for (int i = 0; i < ready; ++i) {
    auto& by = *static_cast<connection*>(events[i].data.ptr);
    if (!take(by))
      continue;
    ++answers;
    if (asks_again)
      ask(by);
  }
  return answers;
}

std::uint64_t http_load::run_for(std::chrono::milliseconds time) {
  constexpr int turn_ms = 100;
  for (const auto& one : connections_)
    ask(one);
  std::uint64_t answers = 0;
  for (auto end = std::chrono::steady_clock::now() + time; std::chrono::steady_clock::now() < end;)
    answers += turn(true, turn_ms);
  for (std::uint64_t left = connections_.size(); left > 0;)
    left -= turn(false, -1);
  return answers + connections_.size();
}

void http_load::run_once() {
  for (const auto& one : connections_)
    ask(one);
  for (std::uint64_t left = connections_.size(); left > 0;)
    left -= turn(false, -1);
}

measured_server::measured_server(std::vector<std::string> command, std::string address)
    : address_(std::move(address)) {
  int told[2];
  if (::pipe2(told, O_CLOEXEC) != 0)
    throw std::runtime_error("no pipe");
  std::vector<char*> words;
  for (auto& word : command)
    words.push_back(word.data());
  words.push_back(nullptr);
  child_ = ::fork();
  if (child_ == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    stay_on(0);
    ::dup2(told[1], STDOUT_FILENO);
    ::execv(words[0], words.data());
    ::_exit(127);
  }
  ::close(told[1]);
  std::string line;
  if (address_.empty())
    for (char c = 0; ::read(told[0], &c, 1) == 1 && c != '\n';)
      line += c;
  ::close(told[0]);
  if (address_.empty())
    address_ = line.substr(line.rfind('/') + 1);
}

measured_server::~measured_server() {
  ::kill(child_, SIGKILL);
  ::waitpid(child_, nullptr, 0);
}

double measured_server::processor_seconds() const {
  clockid_t clock{};
  timespec used{};
  if (::clock_getcpuclockid(child_, &clock) != 0 || ::clock_gettime(clock, &used) != 0)
    throw std::runtime_error("the server has ended");
  return static_cast<double>(used.tv_sec) + static_cast<double>(used.tv_nsec) / 1e9;
}

std::size_t measured_server::peak_bytes() const { return tests::peak_resident_bytes(child_); }

} // namespace troupe::bench
