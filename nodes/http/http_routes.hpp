#pragma once

#include "config/limits/http.hpp"
#include "nodes/http/incoming_request.hpp"
#include "nodes/http/server_call.hpp"

#include <functional>
#include <string>
#include <variant>
#include <vector>

namespace troupe {

/// What a server serves: a table of method, path and handler. It is made before the server and
/// does not change. Tables are short, so they are searched from the top.
class http_routes {
public:
  /// Runs in an I/O thread of the server, so it must not wait. If it throws before it has answered,
  /// the answer is a 500 and the log says why.
  using handler = std::function<void(incoming_request request, server_call call)>;
  /// A page that is there at once.
  using page = std::function<http_answer(const incoming_request& request)>;

  struct route {
    std::string method; ///< a GET is also served as HEAD, without the body
    std::string path;   ///< `*` stands for one segment that is not empty: "/v1/models/*"
    handler handle;
    std::size_t body_bytes_max = limits::http_body_bytes_max;
  };

  void add(route one) { routes_.push_back(std::move(one)); }
  void add_page(std::string method, std::string path, page answer);

  /// What is answered where there is nothing (404), or no such method (405; `Allow` is added). The
  /// default is a line of text that lists the paths. A refusal of a request's form (400, 413, 431
  /// and so on) is shown by it too: its `body` is a sentence.
  using error_page =
      std::function<http_answer(const http_request_head& request, http_answer plain)>;
  void show_errors_by(error_page shower) { errors_ = std::move(shower); }

  struct match {
    const route* found = nullptr;
    std::vector<std::string_view> parts; ///< views of the request's path
  };
  /// The route, or the answer that says that there is none.
  std::variant<match, http_answer> find(const http_request_head& request) const;

  http_answer shown(const http_request_head& request, http_answer plain) const {
    return errors_ ? errors_(request, std::move(plain)) : plain;
  }

private:
  std::vector<route> routes_;
  error_page errors_;
};

} // namespace troupe
