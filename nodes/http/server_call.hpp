#pragma once

#include "nodes/http/http_answer.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>

namespace troupe {

class http_connection;

/// The right to answer one request: at once, later, or piece by piece. A handler gets it with the
/// request and may keep it as long as it likes, in any thread; one thread at a time uses it.
///
///     call.answer({200, "text/plain", "done\n"});       // the whole answer
///
///     call.begin({200, "text/event-stream"});            // a stream
///     if (!call.write(piece))                            // its reader is slow:
///       call.when_room([&] { write_more(); });           // go on when it has taken some
///     call.finish();
///
/// A call that is dropped without an answer is answered with a 500; a stream that is dropped before
/// `finish` is cut off, so that its reader sees that something is missing. When the peer has gone,
/// everything here does nothing.
///
/// Functions that are given to a call run in the connection's thread, one at a time, and must not
/// wait. They are destroyed when the call ends, so they may own what owns the call.
class server_call {
public:
  server_call() = default;
  server_call(std::shared_ptr<http_connection> connection, std::uint64_t serial) noexcept;
  server_call(server_call&& other) noexcept = default;
  server_call& operator=(server_call&& other) noexcept;
  ~server_call();

  /// Gives the whole answer. It is the end of the call.
  void answer(http_answer whole);

  /// Begins a body that comes in pieces; `head.body` is its first piece and may be empty. With a
  /// `length`, the head announces it, and the source must write exactly so many bytes.
  void begin(http_answer head, std::optional<std::uint64_t> length = std::nullopt);
  /// Returns whether the source may go on. False: at least `limits::http_stream_bytes_max` bytes
  /// wait for the reader, or there is no reader any more.
  bool write(std::string_view bytes);
  /// Runs `then` once when half of what may wait has been taken; at once if it is so already.
  void when_room(std::function<void()> then);
  /// The body is complete. It is the end of the call.
  void finish();

  /// How the peer notices that it does not get the rest.
  enum class cut : std::uint8_t {
    close, ///< what was written arrives, then the connection ends
    reset, ///< the connection is reset at once
  };
  /// Ends call and connection without an answer, or in the middle of it.
  void cut_off(cut how);

  /// Runs `then` once if the peer goes, or time runs out, before the answer is complete. The peer
  /// is watched all the time: that it goes is noticed within 50 ms.
  void when_gone(std::function<void()> then);

  /// Runs `then` after that time, unless the call has ended. A call has one timer: the next
  /// replaces it.
  void after(std::chrono::nanoseconds time, std::function<void()> then);

  explicit operator bool() const noexcept { return connection_ != nullptr; }

private:
  void drop();

  std::shared_ptr<http_connection> connection_;
  std::uint64_t serial_ = 0;
};

} // namespace troupe
