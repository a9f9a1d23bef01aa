#include "nodes/http/http_server.hpp"

#include "config/base/count_of.hpp"
#include "config/base/host_port.hpp"
#include "nodes/http/server_loop.hpp"

#include <boost/asio/post.hpp>

#include <fcntl.h>

namespace troupe {

namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

constexpr std::string_view log_component = "http";

/// Not inherited by programs that this process starts.
void close_on_exec(int fd) { ::fcntl(fd, F_SETFD, FD_CLOEXEC); }

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

error_code listen_at(tcp::acceptor& acceptor, const tcp::endpoint& at) {
  error_code error;
  acceptor.open(at.protocol(), error);
  if (error)
    return error;
  close_on_exec(acceptor.native_handle());
  acceptor.set_option(tcp::acceptor::reuse_address{true}, error);
  if (!error)
    acceptor.bind(at, error);
  if (!error)
    acceptor.listen(limits::http_backlog, error);
  return error;
}

} // namespace

/// The acceptor runs in the first loop, and gives connections to the loops in turn.
struct http_server::body {
  body(http_routes table, log_sink& to, const http_server_options& chosen)
      : service(std::move(table), to, chosen), loops(make_loops(service)) {}
  ~body();

  static std::vector<std::shared_ptr<server_loop>> make_loops(http_service& shared) {
    std::vector<std::shared_ptr<server_loop>> made(
        std::max<std::size_t>(1, shared.options.threads));
    auto share = (shared.options.connections_max + made.size() - 1) / made.size();
    for (auto& one : made)
      one = std::make_shared<server_loop>(shared, share);
    return made;
  }

  void accept();
  void on_accept(error_code error, tcp::socket socket);
  void say(log_level level, std::string text) const {
    service.log.write({level, log_component, std::move(text), {}});
  }

  http_service service;
  std::vector<std::shared_ptr<server_loop>> loops;
  tcp::acceptor acceptor{loops[0]->io};
  asio::steady_timer pause{loops[0]->io};
  std::uint64_t pauses = 0; ///< in a row, because no file descriptor was free
  std::size_t accepted = 0;
  std::string address;
};

http_server::body::~body() {
  asio::post(loops[0]->io, [this] {
    error_code ignored;
    acceptor.close(ignored);
    pause.cancel();
  });
  for (const auto& loop : loops)
    loop->stop();
}

void http_server::body::accept() {
  auto& io = loops[accepted % loops.size()]->io;
  acceptor.async_accept(
      io, [this](error_code error, tcp::socket socket) { on_accept(error, std::move(socket)); });
}

void http_server::body::on_accept(error_code error, tcp::socket socket) {
  if (!acceptor.is_open() || service.draining)
    return;
  if (error) {
    if (pauses++ == 0) // logged once, however long it lasts
      say(log_level::warning, "cannot accept connections now: " + error.message());
    pause.expires_after(limits::http_accept_pause);
    pause.async_wait([this](error_code cancelled) {
      if (!cancelled)
        accept();
    });
    return;
  }
  if (pauses != 0)
    say(log_level::info, "accepts connections again after " + count_of(pauses, "pause"));
  pauses = 0;
  close_on_exec(socket.native_handle());
  error_code gone;
  auto peer = service.options.connections_per_address_max == 0
                  ? std::string{}
                  : socket.remote_endpoint(gone).address().to_string();
  if (service.enter(peer)) {
    auto loop = loops[accepted++ % loops.size()];
    if (loop == loops[0]) {
      loop->adopt(std::move(socket), std::move(peer));
    } else {
      auto moved = std::make_shared<tcp::socket>(std::move(socket));
      loop->post([loop, moved, peer] { loop->adopt(std::move(*moved), peer); });
    }
  }
  accept();
}

http_server::http_server(std::unique_ptr<body> parts) : body_(std::move(parts)) {}

http_server::~http_server() = default;

result<std::unique_ptr<http_server>> http_server::open(std::string_view host_port,
                                                       http_routes routes, log_sink& log,
                                                       const http_server_options& options,
                                                       std::string_view advice) {
  auto at = endpoint_of(host_port);
  if (!at)
    return unexpected{at.error()};
  auto made = std::make_unique<body>(std::move(routes), log, options);
  if (auto error = listen_at(made->acceptor, *at))
    return fail(ec::unavailable, "cannot listen for HTTP on " + endpoint_text(*at) + ": "
                                     + error.message() + "; " + std::string{advice}
                                     + " (port 0 takes a free one) or stop the program that uses "
                                       "it");
  error_code none;
  made->address = endpoint_text(made->acceptor.local_endpoint(none));
  made->accept();
  for (const auto& loop : made->loops)
    loop->start();
  return std::unique_ptr<http_server>{new http_server{std::move(made)}};
}

std::size_t http_server::drain(std::chrono::milliseconds at_most) {
  body_->service.draining = true;
  body_->loops[0]->post([this] {
    error_code ignored;
    body_->acceptor.close(ignored);
    body_->pause.cancel();
  });
  for (const auto& loop : body_->loops)
    loop->post([loop] { loop->close_idle(); });
  return body_->service.wait_for_none(at_most);
}

std::string http_server::address() const { return body_->address; }

} // namespace troupe
