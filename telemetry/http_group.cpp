#include "telemetry/http_group.hpp"

#include <sys/epoll.h>

#include <algorithm>

namespace troupe {

namespace {

/// Any pointer that is not null: libcurl gives it back for a socket that epoll knows.
char known_socket;

/// Null: it is a handle of libcurl's own.
http_transfer* transfer_of(CURL* easy) {
  char* which = nullptr;
  curl_easy_getinfo(easy, CURLINFO_PRIVATE, &which);
  return reinterpret_cast<http_transfer*>(which);
}

} // namespace

http_group::http_group(int epoll, std::uint32_t number, std::size_t calls_max)
    : epoll_(epoll), number_(number), calls_max_(calls_max) {}

http_group::~http_group() = default;

bool http_group::open() {
  multi_.reset(curl_multi_init());
  if (!multi_)
    return false;
  auto set = [this](CURLMoption option, auto value) {
    curl_multi_setopt(multi_.get(), option, value);
  };
  set(CURLMOPT_SOCKETFUNCTION, &http_group::on_socket);
  set(CURLMOPT_SOCKETDATA, this);
  set(CURLMOPT_TIMERFUNCTION, &http_group::on_timer);
  set(CURLMOPT_TIMERDATA, this);
  set(CURLMOPT_MAXCONNECTS, static_cast<long>(calls_max_));
  set(CURLMOPT_MAX_CONCURRENT_STREAMS, limits::http_client_streams_max);
  return true;
}

bool http_group::add(http_transfer& what) {
  if (!multi_ && !open())
    return false;
  what.group = this;
  what.set_connecting();
  if (curl_multi_add_handle(multi_.get(), what.handle()) != CURLM_OK) {
    what.group = nullptr;
    return false;
  }
  ++running_;
  idle_until_.reset();
  return true;
}

void http_group::remove(http_transfer& what) {
  curl_multi_remove_handle(multi_.get(), what.handle());
  what.group = nullptr;
  if (--running_ == 0)
    idle_until_ = clock::now() + limits::http_client_keep_alive;
}

void http_group::ready(int socket, std::uint32_t events) {
  if (!multi_) // closed meanwhile
    return;
  int what = 0, running = 0;
  if (events & (EPOLLIN | EPOLLHUP | EPOLLRDHUP))
    what |= CURL_CSELECT_IN;
  if (events & EPOLLOUT)
    what |= CURL_CSELECT_OUT;
  if (events & EPOLLERR)
    what |= CURL_CSELECT_ERR;
  curl_multi_socket_action(multi_.get(), socket, what, &running);
}

std::optional<http_group::clock::time_point> http_group::wake_at() const {
  if (timer_ && idle_until_)
    return std::min(*timer_, *idle_until_);
  return timer_ ? timer_ : idle_until_;
}

void http_group::expire(clock::time_point now) {
  if (timer_ && *timer_ <= now) {
    timer_.reset(); // libcurl sets the next one
    int running = 0;
    curl_multi_socket_action(multi_.get(), CURL_SOCKET_TIMEOUT, 0, &running);
  }
  if (idle_until_ && *idle_until_ <= now) {
    idle_until_.reset();
    multi_.reset();
    timer_.reset();
  }
}

std::optional<http_group::done> http_group::next_done() {
  int left = 0;
  while (auto message = multi_ ? curl_multi_info_read(multi_.get(), &left) : nullptr)
    if (message->msg == CURLMSG_DONE) {
      auto code = message->data.result;
      return done{transfer_of(message->easy_handle), code};
    }
  return std::nullopt;
}

int http_group::on_socket(CURL* easy, curl_socket_t socket, int what, void* self, void* known) {
  auto& me = *static_cast<http_group*>(self);
  if (what == CURL_POLL_IN) // before TCP stands, it waits for room to write
    if (auto transfer = transfer_of(easy))
      transfer->set_connected();
  if (what == CURL_POLL_REMOVE) {
    ::epoll_ctl(me.epoll_, EPOLL_CTL_DEL, socket, nullptr);
    return 0;
  }
  epoll_event wanted{};
  wanted.events = (what & CURL_POLL_IN ? EPOLLIN : 0U) | (what & CURL_POLL_OUT ? EPOLLOUT : 0U);
  wanted.data.u64 = std::uint64_t{me.number_} << 32 | static_cast<std::uint32_t>(socket);
  ::epoll_ctl(me.epoll_, known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, socket, &wanted);
  if (!known)
    curl_multi_assign(me.multi_.get(), socket, &known_socket);
  return 0;
}

int http_group::on_timer(CURLM*, long delay_ms, void* self) {
  auto& me = *static_cast<http_group*>(self);
  if (delay_ms < 0)
    me.timer_.reset();
  else
    me.timer_ = clock::now() + std::chrono::milliseconds{delay_ms};
  return 0;
}

} // namespace troupe
