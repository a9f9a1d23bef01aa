#include "tests/support/otlp_receiver.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <cstdlib>

namespace troupe::tests {

namespace {

/// A test without its receiver is useless, so report that and end.
void require(bool ok, const char* what) {
  if (!ok) {
    std::perror(what);
    std::abort();
  }
}

std::string lower(std::string text) {
  std::ranges::transform(text, text.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

/// Splits the head of a request; `head` ends before the empty line.
otlp_receiver::request parse_head(const std::string& head) {
  otlp_receiver::request parsed;
  auto line_end = head.find("\r\n");
  auto first = head.substr(0, line_end);
  auto space = first.find(' ');
  parsed.method = first.substr(0, space);
  parsed.target = first.substr(space + 1, first.rfind(' ') - space - 1);
  while (line_end != head.npos) {
    auto begin = line_end + 2;
    line_end = head.find("\r\n", begin);
    auto line = head.substr(begin, line_end == head.npos ? head.npos : line_end - begin);
    auto colon = line.find(':');
    if (colon == line.npos)
      continue;
    auto value = line.find_first_not_of(' ', colon + 1);
    parsed.headers[lower(line.substr(0, colon))] = value == line.npos ? "" : line.substr(value);
  }
  return parsed;
}

} // namespace

otlp_receiver::otlp_receiver() {
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  wake_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  require(listener_ >= 0 && wake_ >= 0, "otlp_receiver: socket");
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof at;
  auto any = reinterpret_cast<sockaddr*>(&at);
  require(::bind(listener_, any, size) == 0, "otlp_receiver: bind");
  require(::listen(listener_, 16) == 0, "otlp_receiver: listen");
  require(::getsockname(listener_, any, &size) == 0, "otlp_receiver: getsockname");
  port_ = ntohs(at.sin_port);
  thread_ = std::thread{[this] { run(); }};
}

otlp_receiver::~otlp_receiver() {
  std::uint64_t one = 1;
  require(::write(wake_, &one, sizeof one) == sizeof one, "otlp_receiver: wake");
  thread_.join();
  for (auto& [fd, peer] : peers_)
    ::close(fd);
  ::close(listener_);
  ::close(wake_);
}

std::string otlp_receiver::endpoint() const { return "http://127.0.0.1:" + std::to_string(port_); }

void otlp_receiver::script(answer next) {
  std::lock_guard lock{mutex_};
  scripted_.push_back(std::move(next));
}

void otlp_receiver::answer_always(answer usual) {
  std::lock_guard lock{mutex_};
  usual_ = std::move(usual);
}

bool otlp_receiver::wait_for_requests(std::size_t count, std::chrono::milliseconds at_most) const {
  std::unique_lock lock{mutex_};
  return changed_.wait_for(lock, at_most, [&] { return requests_.size() >= count; });
}

bool otlp_receiver::wait_for_spans(std::size_t count, std::chrono::milliseconds at_most) const {
  std::unique_lock lock{mutex_};
  return changed_.wait_for(lock, at_most, [&] { return accepted_.spans.size() >= count; });
}

std::vector<otlp_receiver::request> otlp_receiver::requests() const {
  std::lock_guard lock{mutex_};
  return requests_;
}

decoded_request otlp_receiver::accepted() const {
  std::lock_guard lock{mutex_};
  return accepted_;
}

void otlp_receiver::run() {
  for (;;) {
    std::vector<pollfd> waits{{wake_, POLLIN, 0}, {listener_, POLLIN, 0}};
    for (auto& [fd, peer] : peers_)
      waits.push_back({fd, static_cast<short>(peer.output.empty() ? POLLIN : POLLIN | POLLOUT), 0});
    if (::poll(waits.data(), waits.size(), -1) < 0)
      continue;
    if (waits[0].revents != 0)
      return;
    for (std::size_t i = 2; i < waits.size(); ++i) {
      auto peer = peers_.find(waits[i].fd);
      if (waits[i].revents != 0 && !serve(peer->first, peer->second, waits[i].revents)) {
        ::close(peer->first);
        peers_.erase(peer);
      }
    }
    if (waits[1].revents != 0)
      accept_one();
  }
}

void otlp_receiver::accept_one() {
  int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (fd >= 0)
    peers_[fd].number = ++accepted_connections_;
}

/// Returns false if the connection must be closed.
bool otlp_receiver::serve(int fd, connection& peer, short ready) {
  if (ready & (POLLIN | POLLHUP | POLLERR)) {
    char buffer[64 * 1024];
    auto got = ::read(fd, buffer, sizeof buffer);
    if (got <= 0)
      return false;
    peer.input.append(buffer, static_cast<std::size_t>(got));
    while (take_request(peer)) {
    }
  }
  if (!peer.output.empty()) {
    auto sent = ::send(fd, peer.output.data(), peer.output.size(), MSG_NOSIGNAL);
    if (sent > 0)
      peer.output.erase(0, static_cast<std::size_t>(sent));
  }
  return !(peer.closing && peer.output.empty());
}

bool otlp_receiver::take_request(connection& peer) {
  auto head_end = peer.input.find("\r\n\r\n");
  if (head_end == peer.input.npos)
    return false;
  auto parsed = parse_head(peer.input.substr(0, head_end));
  auto length = std::strtoull(parsed.headers["content-length"].c_str(), nullptr, 10);
  if (peer.input.size() < head_end + 4 + length)
    return false;
  parsed.body = peer.input.substr(head_end + 4, length);
  parsed.connection = peer.number;
  peer.input.erase(0, head_end + 4 + length);
  std::lock_guard lock{mutex_};
  answer with = usual_;
  if (!scripted_.empty()) {
    with = std::move(scripted_.front());
    scripted_.pop_front();
  }
  if (with.how == manner::answer && with.status == 200) {
    auto decoded = decode_export_request(parsed.body);
    std::ranges::move(decoded.spans, std::back_inserter(accepted_.spans));
    std::ranges::move(decoded.problems, std::back_inserter(accepted_.problems));
  }
  requests_.push_back(std::move(parsed));
  respond(peer, with);
  changed_.notify_all();
  return true;
}

void otlp_receiver::respond(connection& peer, const answer& with) {
  if (with.how == manner::hang)
    return;
  if (with.how == manner::close) {
    peer.closing = true;
    return;
  }
  peer.output += "HTTP/1.1 " + std::to_string(with.status) + " Scripted\r\n";
  for (const auto& [field, value] : with.headers)
    peer.output += field + ": " + value + "\r\n";
  if (!with.headers.contains("Content-Type"))
    peer.output += "Content-Type: application/x-protobuf\r\n";
  peer.output += "Content-Length: " + std::to_string(with.body.size()) + "\r\n\r\n" + with.body;
}

} // namespace troupe::tests
