#include "nodes/http/chunked_body.hpp"

#include "config/limits/http.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

namespace troupe {

namespace {

namespace http = boost::beast::http;

constexpr std::string_view head_before_it = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n";

boost::asio::const_buffer buffer_of(std::string_view bytes) { return {bytes.data(), bytes.size()}; }

} // namespace

struct chunked_body::reader {
  http::request_parser<http::string_body> parser;
};

chunked_body::chunked_body(std::size_t bytes_max) : reader_(std::make_unique<reader>()) {
  auto& parser = reader_->parser;
  parser.body_limit(bytes_max);
  parser.header_limit(limits::http_header_bytes_max);
  parser.eager(true);
  boost::system::error_code none;
  parser.put(buffer_of(head_before_it), none);
}

chunked_body::~chunked_body() = default;

const std::string& chunked_body::bytes() const { return reader_->parser.get().body(); }

chunked_body::state chunked_body::take(std::string_view& input) {
  auto& parser = reader_->parser;
  std::string joined;
  auto from_before = rest_.size();
  if (from_before > 0) {
    joined = std::move(rest_) + std::string{input};
    rest_.clear();
  }
  std::string_view unread = from_before > 0 ? std::string_view{joined} : input;
  auto whole = unread.size();
  boost::system::error_code error;
  while (!unread.empty() && !parser.is_done()) {
    auto used = parser.put(buffer_of(unread), error);
    unread.remove_prefix(used);
    if (error)
      break;
  }
  if (error == http::error::body_limit)
    return state::too_large;
  if (error && error != http::error::need_more)
    return state::malformed;
  if (parser.is_done()) {
    input.remove_prefix(whole - unread.size() - from_before);
    return state::complete;
  }
  input = {};
  rest_ = std::string{unread};
  // Of a line or of trailers; chunks themselves are taken as they come. Beast would wait for the
  // end of a line that ends wrongly.
  for (auto end = rest_.find('\n'); end != rest_.npos; end = rest_.find('\n', end + 1))
    if (end == 0 || rest_[end - 1] != '\r')
      return state::malformed;
  return rest_.size() > limits::http_header_bytes_max ? state::malformed : state::unfinished;
}

} // namespace troupe
