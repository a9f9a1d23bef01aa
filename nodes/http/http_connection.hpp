#pragma once

#include "nodes/http/chunked_body.hpp"
#include "nodes/http/server_call.hpp"
#include "nodes/http/server_loop.hpp"

#include <atomic>
#include <exception>
#include <optional>

namespace troupe {

struct http_refusal;

/// One connection: reads a request, has it answered, reads the next. It belongs to one loop, and
/// all its functions run in the thread of the loop, unless they say otherwise. It lives as long as
/// an operation or a call refers to it, and is in one of the loop's lists until it is closed.
class http_connection : public std::enable_shared_from_this<http_connection> {
public:
  using clock = server_loop::clock;
  using socket = boost::asio::ip::tcp::socket;

  http_connection(std::shared_ptr<server_loop> loop, socket connected, std::string peer);

  void start();
  /// The peer has closed or reset the connection, or there is no more time or room for it.
  void peer_gone();
  bool is_idle() const { return phase_ == phase::head && input_.empty(); }
  /// When it must be looked at again; in the past: `expire`.
  clock::time_point due(clock::time_point now) const;
  void expire();
  /// Does `step`. An exception that leaves it (memory has run out) closes the connection: nothing
  /// might hold it any more, but the loop's list would still name it.
  template <class Step>
  void attempt(Step step) {
    try {
      step();
    } catch (const std::exception& error) {
      give_up(error);
    }
  }

  // -- what a call does (server_call.hpp); nothing if it is not the one that is open -------------

  void answer(std::uint64_t serial, const http_answer& whole);
  void begin(std::uint64_t serial, const http_answer& head, std::optional<std::uint64_t> length);
  void write(std::uint64_t serial, std::string_view bytes);
  void finish(std::uint64_t serial);
  void cut_off(std::uint64_t serial, server_call::cut how);
  void drop(std::uint64_t serial);
  void when_room(std::uint64_t serial, std::function<void()> then);
  void when_gone(std::uint64_t serial, std::function<void()> then);
  void after(std::uint64_t serial, std::chrono::nanoseconds time, std::function<void()> then);

  server_loop& loop() const noexcept { return *loop_; }
  /// What waits for the reader of the stream. Any thread.
  std::atomic<std::size_t>& unread() noexcept { return unread_; }
  /// The call that is open; 0 if there is none. Any thread.
  std::uint64_t open_call() const noexcept { return open_call_.load(std::memory_order_acquire); }

private:
  enum class phase : std::uint8_t {
    head,      ///< waits for a request, or for the rest of its head
    body,      ///< waits for the rest of a body
    answering, ///< a call is open; part of its answer may have been written
    flushing,  ///< the answer is complete, and the peer takes the rest of it
    lingering, ///< the last answer was taken; what still comes is dropped until the peer closes
    closed,    ///< not in the loop's lists any more
  };

  void enter(phase next, std::chrono::milliseconds time);
  void set_deadline(std::chrono::milliseconds time);
  http_service& service() const { return loop_->service; }
  const http_patience& patience() const { return loop_->service.options.patience; }

  void arm_read();
  void arm_write();
  void on_readable();
  bool receive();
  void consume(std::string_view bytes);
  bool read_head(std::string_view& bytes);
  bool read_body(std::string_view& bytes);
  void take_head(std::string_view bytes, const http_request_head& head);
  void dispatch();
  void refuse(const http_refusal& why, const http_request_head& head);
  void answer_now(const http_answer& answer);
  void end_call();
  void send(std::string_view bytes);
  void append_piece(std::string& out, std::string_view bytes) const;
  void on_writable();
  void on_taken();
  void answered();
  void close();
  void give_up(const std::exception& why);
  void run(const std::function<void()>& callback);
  void recount();
  void give_room();
  bool has_hung_up() const;

  std::shared_ptr<server_loop> loop_;
  socket socket_;
  std::string peer_;
  server_loop::list::iterator place_;
  clock::time_point deadline_;
  std::string input_;  ///< received, not looked at
  std::string output_; ///< to be sent, from `sent_` on
  std::size_t sent_ = 0;
  std::size_t progress_ = 0; ///< sent since the deadline was set
  std::size_t counted_ = 0;  ///< of `output_` in `unread_`

  // The request that is being read or answered.
  std::optional<incoming_request> request_;
  const http_routes::route* route_ = nullptr;
  std::unique_ptr<chunked_body> chunks_;
  std::size_t body_bytes_ = 0; ///< received
  clock::time_point body_begun_;
  // The call.
  std::uint64_t calls_ = 0;
  std::uint64_t lost_call_ = 0; ///< the one that was open when the peer went
  std::atomic<std::uint64_t> open_call_{0};
  std::atomic<std::size_t> unread_{0};
  std::function<void()> room_;
  std::function<void()> gone_;
  std::function<void()> timed_;
  std::unique_ptr<boost::asio::steady_timer> timer_;
  std::uint64_t timings_ = 0; ///< how often it was set

  std::uint32_t served_ = 0;
  std::size_t drained_ = 0;
  phase phase_ = phase::head;
  body_framing framing_ = body_framing::length;
  bool keep_ = false;      ///< the connection, after this answer
  bool head_only_ = false; ///< HEAD
  bool is_1_0_ = false;
  bool begun_ = false;     ///< the head of the answer is written
  bool consuming_ = false; ///< further down the stack
  bool reading_ = false;   ///< the loop tells when there is something to read
  bool writing_ = false;   ///< and when there is room to write
  bool paused_ = false;    ///< too much has come: not read until there is an answer
};

} // namespace troupe
