#include "nodes/http/http_connection.hpp"

#include <sys/socket.h>

#include <exception>

/// Writing: from what a call says to the socket.
namespace troupe {

using boost::system::error_code;

void http_connection::answer(std::uint64_t serial, const http_answer& whole) {
  if (serial == open_call() && !begun_)
    answer_now(whole);
}

void http_connection::answer_now(const http_answer& answer) {
  end_call();
  enter(phase::flushing, patience().write);
  auto& out = loop_->scratch;
  out.clear();
  append_answer_head(out, answer, body_framing::length, answer.body.size(), keep_);
  if (!head_only_)
    out += answer.body;
  send(out);
  if (out.capacity() > limits::http_read_bytes)
    out = {};
  if (phase_ == phase::flushing && output_.empty())
    answered();
}

void http_connection::begin(std::uint64_t serial, const http_answer& head,
                            std::optional<std::uint64_t> length) {
  if (serial != open_call() || begun_)
    return;
  begun_ = true;
  framing_ = length    ? body_framing::length
             : is_1_0_ ? body_framing::until_close
                       : body_framing::chunks;
  keep_ = keep_ && framing_ != body_framing::until_close;
  auto& out = loop_->scratch;
  out.clear();
  append_answer_head(out, head, framing_, length.value_or(0), keep_);
  append_piece(out, head.body);
  send(out);
}

void http_connection::append_piece(std::string& out, std::string_view bytes) const {
  if (head_only_ || bytes.empty())
    return;
  if (framing_ == body_framing::chunks)
    append_chunk(out, bytes);
  else
    out += bytes;
}

void http_connection::write(std::uint64_t serial, std::string_view bytes) {
  unread_ -= bytes.size(); // it is counted as output from here on
  if (serial != open_call() || !begun_)
    return;
  if (output_.size() > limits::http_stream_bytes_hard_max) {
    service().log.write({log_level::error,
                         "http",
                         "the page " + route_->path + " does not stop for a slow reader",
                         {}});
    return peer_gone();
  }
  if (output_.empty())
    set_deadline(patience().answer); // the source goes on
  auto& out = loop_->scratch;
  out.clear();
  append_piece(out, bytes);
  send(out);
}

void http_connection::finish(std::uint64_t serial) {
  if (serial != open_call() || !begun_)
    return;
  end_call();
  enter(phase::flushing, patience().write);
  if (framing_ == body_framing::chunks && !head_only_)
    send("0\r\n\r\n");
  if (phase_ == phase::flushing && output_.empty())
    answered();
}

void http_connection::cut_off(std::uint64_t serial, server_call::cut how) {
  if (serial != open_call())
    return;
  if (how == server_call::cut::reset) {
    linger at_once{1, 0};
    ::setsockopt(socket_.native_handle(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    return close();
  }
  end_call();
  keep_ = false;
  enter(phase::flushing, patience().write);
  if (output_.empty())
    answered();
}

void http_connection::drop(std::uint64_t serial) {
  if (serial != open_call())
    return;
  if (begun_)
    return cut_off(serial, server_call::cut::close);
  if (std::uncaught_exceptions() == 0) // otherwise `run` tells what happened
    service().log.write(
        {log_level::error, "http", "the page " + route_->path + " gave no answer", {}});
  http_answer failed;
  failed.status = 500;
  failed.body = "This page failed; the log says why.\n";
  answer_now(service().routes.shown({}, std::move(failed)));
}

void http_connection::when_room(std::uint64_t serial, std::function<void()> then) {
  if (serial != open_call())
    return;
  room_ = std::move(then);
  give_room();
}

void http_connection::give_room() {
  if (room_ && unread_ <= limits::http_stream_bytes_max / 2)
    run(std::exchange(room_, {}));
}

void http_connection::when_gone(std::uint64_t serial, std::function<void()> then) {
  if (serial == open_call())
    gone_ = std::move(then);
  else if (serial == lost_call_ && then)
    run(then); // it went before anybody could ask to be told
}

void http_connection::after(std::uint64_t serial, std::chrono::nanoseconds time,
                            std::function<void()> then) {
  if (serial != open_call())
    return;
  timed_ = std::move(then);
  if (!timer_)
    timer_ = std::make_unique<boost::asio::steady_timer>(loop_->io);
  timer_->expires_after(time);
  timer_->async_wait([self = shared_from_this(), turn = ++timings_](error_code cancelled) {
    if (!cancelled && turn == self->timings_ && self->timed_)
      self->run(std::exchange(self->timed_, {}));
  });
}

void http_connection::end_call() {
  open_call_.store(0, std::memory_order_release);
  // They are destroyed at the end of this function: what they own may own the call.
  auto room = std::move(room_), gone = std::move(gone_), timed = std::move(timed_);
  room_ = gone_ = timed_ = nullptr;
  if (timed && timer_)
    timer_->cancel();
}

/// Sends what the socket takes; the rest waits until it takes more.
void http_connection::send(std::string_view bytes) {
  while (output_.empty() && !bytes.empty()) {
    auto sent = ::send(socket_.native_handle(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent > 0)
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    else if (errno == EAGAIN)
      break;
    else if (errno != EINTR)
      return peer_gone();
  }
  if (bytes.empty())
    return;
  if (output_.empty()) {
    progress_ = 0;
    set_deadline(patience().write);
  }
  output_ += bytes;
  recount();
  arm_write();
}

void http_connection::recount() {
  auto waiting = output_.size() - sent_;
  unread_ += waiting - counted_; // modulo 2^64: less, too
  counted_ = waiting;
}

void http_connection::arm_write() {
  if (writing_)
    return;
  writing_ = true;
  socket_.async_wait(socket::wait_write, [self = shared_from_this()](error_code error) {
    self->writing_ = false;
    if (!error && self->phase_ != phase::closed)
      self->attempt([&] { self->on_writable(); });
  });
}

void http_connection::on_writable() {
  while (sent_ < output_.size()) {
    auto sent = ::send(socket_.native_handle(), output_.data() + sent_, output_.size() - sent_,
                       MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR)
      continue;
    if (sent < 0 && errno != EAGAIN)
      return peer_gone();
    if (sent <= 0)
      break;
    sent_ += static_cast<std::size_t>(sent);
    progress_ += static_cast<std::size_t>(sent);
  }
  if (progress_ >= limits::http_write_progress_bytes) {
    progress_ = 0;
    set_deadline(patience().write);
  }
  if (sent_ < output_.size()) {
    if (sent_ > output_.size() / 2)
      output_.erase(0, std::exchange(sent_, 0));
    arm_write();
    recount();
    return give_room();
  }
  output_ = {};
  sent_ = 0;
  recount();
  on_taken();
}

void http_connection::on_taken() {
  if (phase_ == phase::flushing)
    return answered();
  if (phase_ != phase::answering)
    return;
  set_deadline(patience().answer);
  give_room();
}

/// The peer has taken the answer: the next request, or the end.
void http_connection::answered() {
  if (!keep_ || service().draining) {
    error_code ignored;
    socket_.shutdown(socket::shutdown_send, ignored);
    input_ = {};
    enter(phase::lingering, patience().linger);
    // Closing with unread bytes would reset the connection, and the peer might never see the
    // answer.
    return arm_read();
  }
  enter(phase::head, input_.empty() ? patience().idle : patience().header);
  if (consuming_ || input_.empty())
    return;
  auto self = shared_from_this();
  consume(std::exchange(input_, {}));
  arm_read();
}

} // namespace troupe
