#include "nodes/http_listener.hpp"

#include "config/base/count_of.hpp"
#include "config/base/host_port.hpp"
#include "config/limits/http.hpp"
#include "nodes/http_head.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/status.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <ctime>
#include <fcntl.h>
#include <list>
#include <thread>

namespace troupe {

namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

constexpr std::string_view log_component = "http";

/// Not inherited by programs that this process starts.
void close_on_exec(int fd) { ::fcntl(fd, F_SETFD, FD_CLOEXEC); }

std::string http_date() {
  std::time_t now = std::time(nullptr);
  std::tm parts{};
  ::gmtime_r(&now, &parts);
  char text[40];
  return {text, std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &parts)};
}

std::string head_in(const http_answer& answer, bool keep_alive) {
  auto reason =
      boost::beast::http::obsolete_reason(static_cast<boost::beast::http::status>(answer.status));
  std::string head = "HTTP/1.1 " + std::to_string(answer.status) + ' ';
  head.append(reason.data(), reason.size());
  head += "\r\nDate: " + http_date() + "\r\nContent-Type: " + answer.content_type
          + "\r\nContent-Length: " + std::to_string(answer.body.size())
          + "\r\nCache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n";
  if (answer.status == 405)
    head += "Allow: GET, HEAD\r\n";
  head += keep_alive ? "Connection: keep-alive\r\n\r\n" : "Connection: close\r\n\r\n";
  return head;
}

std::string endpoint_text(const tcp::endpoint& at) {
  auto host = at.address().to_string();
  return (at.address().is_v6() ? "[" + host + "]" : host) + ":" + std::to_string(at.port());
}

result<tcp::endpoint> endpoint_of(std::string_view text) {
  auto parsed = parse_host_port(text);
  if (!parsed)
    return fail(ec::invalid_argument, parsed.error());
  error_code error;
  auto numbers =
      asio::ip::make_address(parsed->host == "localhost" ? "127.0.0.1" : parsed->host, error);
  if (error)
    return fail(ec::invalid_argument,
                "'" + std::string{text}
                    + "' is not an address: write HOST:PORT, such as 127.0.0.1:0");
  return tcp::endpoint{numbers, parsed->port};
}

} // namespace

namespace {

/// A connection in the line of connections that wait for their peers. The first has waited longest.
struct in_line {
  virtual ~in_line() = default;
  virtual void hang_up() = 0;
  std::list<in_line*>::iterator place;
  bool waits_for_peer = false;
};

} // namespace

struct http_listener::server {
  server(handler h, log_sink& to, patience how_long, std::size_t at_most)
      : handle(std::move(h)), log(to), waits(how_long), connections_max(at_most) {}
  ~server();

  void accept();
  void on_accept(error_code error, tcp::socket socket);
  void make_room();
  /// When room is needed, this connection is closed after all that already wait.
  void waits_now(in_line& one);
  void waits_no_more(in_line& one);
  bool nearly_full() const { return line.size() > connections_max - connections_max / 4; }
  http_answer ask(const http_request_head& request);
  void run();

  // Sessions that still exist when `io` is destroyed refer to the members before it.
  handler handle;
  log_sink& log;
  patience waits;
  const std::size_t connections_max;
  std::list<in_line*> line; ///< all connections; those that wait for their peers come first
  std::uint64_t pauses = 0; ///< in a row, because no file descriptor was free
  asio::io_context io{1};
  tcp::acceptor acceptor{io};
  asio::steady_timer pause{io};
  std::thread thread;
};

namespace {

/// One connection: reads a head, answers it, reads the next. It lives as long as an operation
/// refers to it.
template <class Server>
class session : public std::enable_shared_from_this<session<Server>>, public in_line {
public:
  session(Server& server, tcp::socket socket) : server_(server), stream_(std::move(socket)) {
    place = server_.line.insert(server_.line.end(), this);
  }
  ~session() override { server_.line.erase(place); }

  /// The pending operation ends with an error, and that ends the session.
  void hang_up() override { stream_.close(); }

  void start() {
    server_.waits_now(*this);
    stream_.expires_after(server_.waits.header);
    // A request that has already arrived is read before other connections are accepted. Otherwise
    // many new connections could push this one out before it is read.
    error_code error;
    if (stream_.socket().available(error) == 0 || error)
      return read();
    stream_.socket().non_blocking(true, error);
    auto bytes = stream_.socket().read_some(asio::buffer(chunk_), error);
    if (bytes > 0)
      on_bytes(bytes);
    else
      read();
  }

private:
  void read() {
    stream_.async_read_some(asio::buffer(chunk_), [self = this->shared_from_this()](
                                                      error_code error, std::size_t bytes) {
      if (!error)
        self->on_bytes(bytes);
      else if (!self->input_.empty())
        self->note(error, "closed a connection that took too long to send its request");
    });
  }

  void note(error_code error, const char* what) {
    if (error == boost::beast::error::timeout)
      server_.log.write({log_level::debug, log_component, what, {}});
  }

  void on_bytes(std::size_t bytes) {
    if (input_.empty() && served_ > 0) // another request begins: its head has its own deadline
      stream_.expires_after(server_.waits.header);
    input_.append(chunk_.data(), bytes);
    serve_input();
  }

  void serve_input() {
    constexpr std::string_view empty_line = "\r\n\r\n";
    auto end = input_.find(empty_line);
    auto size = end == input_.npos ? input_.size() : end + empty_line.size();
    if (size > limits::http_header_bytes_max)
      return refuse({431, "The header is too long."});
    if (end == input_.npos)
      return read();
    auto parsed = parse_http_head(std::string_view{input_}.substr(0, size));
    input_.erase(0, size);
    ++served_;
    if (auto refused = std::get_if<http_refusal>(&parsed))
      return refuse(*refused);
    const auto& request = std::get<http_request_head>(parsed);
    bool keep = request.keep_alive && served_ < limits::http_requests_per_connection_max;
    write(server_.ask(request), keep && !server_.nearly_full(), request.head_only);
  }

  void refuse(const http_refusal& why) {
    http_answer answer;
    answer.status = why.status;
    answer.body = std::string{why.why} + "\n";
    write(answer, false, false);
  }

  void write(const http_answer& answer, bool keep_alive, bool head_only) {
    output_ = head_in(answer, keep_alive);
    if (!head_only)
      output_ += answer.body;
    server_.waits_no_more(*this);
    stream_.expires_after(server_.waits.write);
    asio::async_write(stream_, asio::buffer(output_),
                      [self = this->shared_from_this(), keep_alive](error_code error, std::size_t) {
                        if (!error)
                          self->on_written(keep_alive);
                        else
                          self->note(error, "closed a connection that did not take its answer");
                      });
  }

  void on_written(bool keep_alive) {
    output_.clear();
    server_.waits_now(*this);
    if (!keep_alive) {
      error_code ignored;
      stream_.socket().shutdown(tcp::socket::shutdown_send, ignored);
      stream_.expires_after(server_.waits.linger);
      return drain();
    }
    stream_.expires_after(input_.empty() ? server_.waits.idle : server_.waits.header);
    if (input_.empty())
      read();
    else
      serve_input();
  }

  /// Reads what the peer still sends, until the peer closes. Closing with unread bytes would reset
  /// the connection, and the peer might never see the answer.
  void drain() {
    stream_.async_read_some(asio::buffer(chunk_),
                            [self = this->shared_from_this()](error_code error, std::size_t bytes) {
                              self->drained_ += bytes;
                              if (!error && self->drained_ < limits::http_linger_bytes_max)
                                self->drain();
                            });
  }

  Server& server_;
  boost::beast::tcp_stream stream_;
  std::array<char, 2048> chunk_;
  std::string input_;
  std::string output_;
  std::uint32_t served_ = 0;
  std::size_t drained_ = 0;
};

} // namespace

http_listener::server::~server() {
  io.stop();
  if (thread.joinable())
    thread.join();
}

void http_listener::server::accept() {
  acceptor.async_accept(
      [this](error_code error, tcp::socket socket) { on_accept(error, std::move(socket)); });
}

void http_listener::server::on_accept(error_code error, tcp::socket socket) {
  if (error) {
    if (pauses++ == 0) // logged once, however long it lasts
      log.write({log_level::warning,
                 log_component,
                 "cannot accept connections now: " + error.message(),
                 {}});
    pause.expires_after(limits::http_accept_pause);
    pause.async_wait([this](error_code cancelled) {
      if (!cancelled)
        accept();
    });
    return;
  }
  if (pauses != 0)
    log.write({log_level::info,
               log_component,
               "accepts connections again after " + count_of(pauses, "pause"),
               {}});
  pauses = 0;
  close_on_exec(socket.native_handle());
  auto made = std::make_shared<session<server>>(*this, std::move(socket));
  made->start();
  if (line.size() > connections_max)
    make_room();
  accept();
}

void http_listener::server::make_room() {
  auto& first = *line.front(); // if none waits, one that is taking its answer
  line.splice(line.end(), line, first.place);
  first.waits_for_peer = false; // do not close it twice
  first.hang_up();
}

void http_listener::server::waits_now(in_line& one) {
  auto busy = std::find_if(line.begin(), line.end(), [](in_line* l) { return !l->waits_for_peer; });
  one.waits_for_peer = true;
  line.splice(busy == one.place ? std::next(busy) : busy, line, one.place);
}

void http_listener::server::waits_no_more(in_line& one) {
  one.waits_for_peer = false;
  line.splice(line.end(), line, one.place);
}

http_answer http_listener::server::ask(const http_request_head& request) {
  try {
    if (auto answer = handle(request.path, request.accept))
      return std::move(*answer);
    return {404, http_answer{}.content_type, "There is no such page. Try /metrics or /health.\n"};
  } catch (const std::exception& error) {
    log.write({log_level::error,
               log_component,
               "the page " + request.path + " failed: " + error.what(),
               {}});
    return {500, http_answer{}.content_type, "This page failed; the node's log says why.\n"};
  }
}

void http_listener::server::run() {
  for (;;) {
    try {
      io.run();
      return;
    } catch (
        const std::exception& error) { // a callback ran out of memory: continue with the others
      log.write({log_level::error, log_component, error.what(), {}});
    }
  }
}

http_listener::http_listener(std::unique_ptr<server> body) : server_(std::move(body)) {}

http_listener::~http_listener() = default;

result<std::unique_ptr<http_listener>> http_listener::open(std::string_view host_port, handler h,
                                                           log_sink& log) {
  return open(host_port, std::move(h), log, patience{});
}

result<std::unique_ptr<http_listener>> http_listener::open(std::string_view host_port, handler h,
                                                           log_sink& log, patience waits,
                                                           std::size_t connections_max) {
  auto at = endpoint_of(host_port);
  if (!at)
    return unexpected{at.error()};
  auto made = std::make_unique<server>(std::move(h), log, waits, connections_max);
  auto& acceptor = made->acceptor;
  error_code error;
  acceptor.open(at->protocol(), error);
  if (!error) {
    close_on_exec(acceptor.native_handle());
    acceptor.set_option(tcp::acceptor::reuse_address{true}, error);
  }
  if (!error)
    acceptor.bind(*at, error);
  if (!error)
    acceptor.listen(limits::http_backlog, error);
  if (error)
    return fail(ec::unavailable,
                "cannot listen for HTTP on " + endpoint_text(*at) + ": " + error.message()
                    + "; choose another node.http_listen (port 0 takes a free one) "
                      "or stop the program that uses it");
  made->accept();
  auto& running = *made;
  made->thread = std::thread{[&running] { running.run(); }};
  return std::unique_ptr<http_listener>{new http_listener{std::move(made)}};
}

std::string http_listener::address() const {
  error_code error;
  return endpoint_text(server_->acceptor.local_endpoint(error));
}

} // namespace troupe
