#include "nodes/http/server_call.hpp"

#include "nodes/http/http_connection.hpp"

namespace troupe {

namespace {

/// Runs `work` in the connection's thread: now if this is it.
template <class Work>
void there(const std::shared_ptr<http_connection>& connection, Work work) {
  if (connection->loop().is_here())
    work(*connection);
  else
    connection->loop().post([connection, work = std::move(work)]() mutable {
      connection->attempt([&] { work(*connection); });
    });
}

} // namespace

server_call::server_call(std::shared_ptr<http_connection> connection, std::uint64_t serial) noexcept
    : connection_(std::move(connection)), serial_(serial) {}

server_call& server_call::operator=(server_call&& other) noexcept {
  if (this != &other) {
    drop();
    connection_ = std::move(other.connection_);
    serial_ = other.serial_;
  }
  return *this;
}

server_call::~server_call() { drop(); }

void server_call::drop() {
  if (connection_ && connection_->open_call() == serial_)
    there(connection_, [serial = serial_](http_connection& at) { at.drop(serial); });
}

void server_call::answer(http_answer whole) {
  if (!connection_)
    return;
  if (connection_->loop().is_here())
    return connection_->answer(serial_, whole); // spared: a copy into a function
  there(connection_, [serial = serial_, whole = std::move(whole)](http_connection& at) {
    at.answer(serial, whole);
  });
}

void server_call::begin(http_answer head, std::optional<std::uint64_t> length) {
  if (connection_)
    there(connection_, [serial = serial_, head = std::move(head), length](http_connection& at) {
      at.begin(serial, head, length);
    });
}

bool server_call::write(std::string_view bytes) {
  if (!connection_ || connection_->open_call() != serial_)
    return false;
  auto& unread = connection_->unread();
  unread += bytes.size();
  if (connection_->loop().is_here())
    connection_->write(serial_, bytes);
  else
    connection_->loop().post(
        [connection = connection_, serial = serial_, copy = std::string{bytes}] {
          connection->attempt([&] { connection->write(serial, copy); });
        });
  return connection_->open_call() == serial_ && unread < limits::http_stream_bytes_max;
}

void server_call::when_room(std::function<void()> then) {
  if (connection_)
    there(connection_, [serial = serial_, then = std::move(then)](http_connection& at) mutable {
      at.when_room(serial, std::move(then));
    });
}

void server_call::finish() {
  if (connection_)
    there(connection_, [serial = serial_](http_connection& at) { at.finish(serial); });
}

void server_call::cut_off(cut how) {
  if (connection_)
    there(connection_, [serial = serial_, how](http_connection& at) { at.cut_off(serial, how); });
}

void server_call::when_gone(std::function<void()> then) {
  if (connection_)
    there(connection_, [serial = serial_, then = std::move(then)](http_connection& at) mutable {
      at.when_gone(serial, std::move(then));
    });
}

void server_call::after(std::chrono::nanoseconds time, std::function<void()> then) {
  if (connection_)
    there(connection_,
          [serial = serial_, time, then = std::move(then)](http_connection& at) mutable {
            at.after(serial, time, std::move(then));
          });
}

} // namespace troupe
