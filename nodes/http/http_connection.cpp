#include "nodes/http/http_connection.hpp"

#include "nodes/http/request_head.hpp"

#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>

/// Reading: from the socket to a request that a handler gets. What is written is in
/// http_connection_answers.cpp.
namespace troupe {

namespace {

using boost::system::error_code;

constexpr std::string_view component = "http";
constexpr std::string_view go_on = "HTTP/1.1 100 Continue\r\n\r\n";

void prepare(int fd) {
  int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  int unsent = limits::http_unsent_bytes_max;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent, sizeof unsent);
}

bool has_bare_line_feed(std::string_view bytes) {
  for (auto end = bytes.find('\n'); end != bytes.npos; end = bytes.find('\n', end + 1))
    if (end == 0 || bytes[end - 1] != '\r')
      return true;
  return false;
}

} // namespace

http_connection::http_connection(std::shared_ptr<server_loop> loop, socket connected,
                                 std::string peer)
    : loop_(std::move(loop)), socket_(std::move(connected)), peer_(std::move(peer)),
      place_(loop_->waiting.insert(loop_->waiting.end(), this)) {}

void http_connection::start() {
  error_code ignored;
  socket_.non_blocking(true, ignored);
  prepare(socket_.native_handle());
  attempt([this] {
    set_deadline(patience().header);
    // A request that has already arrived is read before other connections are accepted. Otherwise
    // many new connections could push this one out before it is read.
    on_readable();
  });
}

void http_connection::give_up(const std::exception& why) {
  consuming_ = false;
  if (phase_ != phase::closed)
    peer_gone();
  service().log.write({log_level::error,
                       component,
                       std::string{"closed a connection that failed: "} + why.what(),
                       {}});
}

void http_connection::set_deadline(std::chrono::milliseconds time) {
  deadline_ = clock::now() + time;
  loop_->look_at(deadline_);
}

void http_connection::enter(phase next, std::chrono::milliseconds time) {
  auto& from =
      phase_ == phase::answering || phase_ == phase::flushing ? loop_->busy : loop_->waiting;
  auto& to = next == phase::answering || next == phase::flushing ? loop_->busy : loop_->waiting;
  to.splice(to.end(), from, place_);
  phase_ = next;
  set_deadline(time);
}

http_connection::clock::time_point http_connection::due(clock::time_point now) const {
  if (!paused_ || phase_ != phase::answering)
    return deadline_;
  return has_hung_up() ? now : std::min(deadline_, now + limits::http_gone_check);
}

void http_connection::expire() {
  if (phase_ == phase::closed)
    return;
  if (paused_ && clock::now() < deadline_)
    return peer_gone();
  auto tell = [&](log_level level, std::string text) {
    if (service().log.wants(level))
      service().log.write({level, component, std::move(text), {}});
  };
  bool idle = is_idle();
  if ((phase_ == phase::head && !idle) || phase_ == phase::body)
    tell(log_level::debug, "closed a connection that took too long to send its request");
  else if (phase_ == phase::flushing || (phase_ == phase::answering && !output_.empty()))
    tell(log_level::debug, "closed a connection that did not take its answer");
  else if (phase_ == phase::answering)
    tell(log_level::warning, "the page " + route_->path + " did not answer in time");
  peer_gone();
}

bool http_connection::has_hung_up() const {
  pollfd one{const_cast<socket&>(socket_).native_handle(), POLLRDHUP, 0};
  return ::poll(&one, 1, 0) > 0;
}

void http_connection::peer_gone() {
  auto gone = std::move(gone_);
  lost_call_ = open_call();
  close();
  if (lost_call_ != 0 && gone)
    run(gone);
}

void http_connection::close() {
  if (phase_ == phase::closed)
    return;
  auto keep_alive = shared_from_this();
  bool is_busy = phase_ == phase::answering || phase_ == phase::flushing;
  (is_busy ? loop_->busy : loop_->waiting).erase(place_);
  phase_ = phase::closed;
  error_code ignored;
  socket_.close(ignored);
  end_call();
  input_ = {};
  output_ = {};
  request_.reset();
  service().leave(peer_);
}

void http_connection::run(const std::function<void()>& callback) {
  try {
    callback();
  } catch (const std::exception& error) {
    service().log.write(
        {log_level::error, component, "the page " + route_->path + " failed: " + error.what(), {}});
  }
}

void http_connection::arm_read() {
  if (phase_ == phase::closed || reading_)
    return;
  paused_ = phase_ != phase::lingering && input_.size() >= limits::http_pipelined_bytes_max;
  if (paused_)
    return loop_->look_at(clock::now() + limits::http_gone_check);
  reading_ = true;
  socket_.async_wait(socket::wait_read, [self = shared_from_this()](error_code error) {
    self->reading_ = false;
    if (!error)
      self->attempt([&] { self->on_readable(); });
  });
}

void http_connection::on_readable() {
  auto self = shared_from_this();
  if (phase_ != phase::closed && receive())
    arm_read();
}

/// Reads once. Returns whether to read on.
bool http_connection::receive() {
  bool whole_body = phase_ == phase::body && !chunks_; // straight to where it belongs
  auto room = whole_body ? request_->body_room() + body_bytes_ : loop_->buffer.data();
  auto size = whole_body ? request_->head().length - body_bytes_ : loop_->buffer.size();
  auto got = ::recv(socket_.native_handle(), room, size, 0);
  if (got < 0 && (errno == EAGAIN || errno == EINTR))
    return true;
  if (got == 0 && phase_ == phase::flushing) { // it asks no more, and may still take its answer
    keep_ = false;
    return false;
  }
  if (got <= 0) {
    peer_gone();
    return false;
  }
  std::string_view bytes{room, static_cast<std::size_t>(got)};
  switch (phase_) {
    case phase::body:
      loop_->waiting.splice(loop_->waiting.end(), loop_->waiting, place_); // not silent
      [[fallthrough]];
    case phase::head:
      if (input_.empty()) {
        consume(bytes);
      } else {
        auto joined = std::move(input_) + std::string{bytes};
        input_.clear();
        consume(joined);
      }
      break;
    case phase::answering:
    case phase::flushing:
      input_ += bytes;
      break;
    case phase::lingering:
      drained_ += bytes.size();
      if (drained_ >= limits::http_linger_bytes_max)
        close();
      break;
    case phase::closed:
      break;
  }
  return phase_ != phase::closed;
}

/// Takes requests from the front, until one is incomplete or not answered at once.
void http_connection::consume(std::string_view bytes) {
  consuming_ = true;
  bool goes_on = true;
  while (goes_on && !bytes.empty())
    goes_on = phase_ == phase::head   ? read_head(bytes)
              : phase_ == phase::body ? read_body(bytes)
                                      : false;
  consuming_ = false;
  if (phase_ != phase::closed && phase_ != phase::lingering)
    input_ = bytes;
  if (phase_ == phase::head && served_ > 0 && !input_.empty())
    set_deadline(patience().header); // another request has begun: its head has its own time
}

bool http_connection::read_head(std::string_view& bytes) {
  constexpr std::string_view empty_line = "\r\n\r\n";
  auto end = bytes.find(empty_line);
  auto size = end == bytes.npos ? bytes.size() : end + empty_line.size();
  if (size > limits::http_header_bytes_max)
    return refuse({431, "The header is too long."}, {}), false;
  if (end == bytes.npos) {
    if (has_bare_line_feed(bytes)) // such a peer would wait for us, and we for its empty line
      return refuse({400, "A line of the header does not end with CR LF."}, {}), false;
    return false;
  }
  auto head = bytes.substr(0, size);
  bytes.remove_prefix(size);
  ++served_;
  auto parsed = parse_request_head(head);
  if (auto refused = std::get_if<http_refusal>(&parsed))
    return refuse(*refused, {}), false;
  const auto& read = std::get<http_request_head>(parsed);
  take_head(head, read);
  if (phase_ == phase::body && read.expects_continue && bytes.empty())
    send(go_on);
  return true;
}

void http_connection::take_head(std::string_view bytes, const http_request_head& head) {
  head_only_ = head.method == "HEAD";
  is_1_0_ = head.is_1_0;
  keep_ = head.keep_alive && served_ < limits::http_requests_per_connection_max
          && !loop_->nearly_full() && !service().draining;
  bool has_body = head.chunked || head.length > 0;
  auto found = service().routes.find(head);
  if (auto none = std::get_if<http_answer>(&found)) {
    // A body is not read. Somebody who asks by a method that is not served takes us for another.
    keep_ = keep_ && !has_body && none->status == 404;
    return answer_now(service().routes.shown(head, std::move(*none)));
  }
  auto& match = std::get<http_routes::match>(found);
  route_ = match.found;
  if (head.length > route_->body_bytes_max)
    return refuse({413, "The body is too large."}, head);
  request_.emplace(bytes, head);
  for (auto& part : match.parts) // views of the request's own bytes
    part = request_->path().substr(part.data() - head.path.data(), part.size());
  request_->set_parts(std::move(match.parts));
  if (!has_body)
    return dispatch();
  if (head.chunked)
    chunks_ = std::make_unique<chunked_body>(route_->body_bytes_max);
  body_bytes_ = 0;
  body_begun_ = clock::now();
  phase_ = phase::body; // it goes on waiting
  set_deadline(patience().body);
}

bool http_connection::read_body(std::string_view& bytes) {
  bool complete = false;
  if (chunks_) {
    auto before = bytes.size();
    auto made = chunks_->take(bytes);
    body_bytes_ += before - bytes.size();
    if (made == chunked_body::state::too_large)
      return refuse({413, "The body is too large."}, request_->head()), false;
    if (made == chunked_body::state::malformed)
      return refuse({400, "The chunks of the body are not well-formed."}, request_->head()), false;
    complete = made == chunked_body::state::complete;
    if (complete)
      request_->set_body(chunks_->bytes());
  } else {
    auto room = request_->body_room() + body_bytes_;
    auto size = std::min(bytes.size(), request_->head().length - body_bytes_);
    if (bytes.data() != room) // it may have been received there
      std::copy_n(bytes.data(), size, room);
    bytes.remove_prefix(size);
    body_bytes_ += size;
    complete = body_bytes_ == request_->head().length;
  }
  if (complete) {
    chunks_.reset();
    dispatch();
    return true;
  }
  auto more = std::chrono::seconds{body_bytes_ / limits::http_body_bytes_per_second_min};
  deadline_ = body_begun_ + patience().body + more;
  return false;
}

void http_connection::dispatch() {
  enter(phase::answering, patience().answer);
  auto request = std::move(*request_);
  request_.reset();
  begun_ = false;
  auto serial = ++calls_;
  open_call_.store(serial, std::memory_order_release);
  run([&] { route_->handle(std::move(request), server_call{shared_from_this(), serial}); });
}

void http_connection::refuse(const http_refusal& why, const http_request_head& head) {
  http_answer plain;
  plain.status = why.status;
  plain.body = std::string{why.why} + "\n";
  keep_ = false;
  answer_now(service().routes.shown(head, std::move(plain)));
}

} // namespace troupe
