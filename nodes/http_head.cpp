#include "nodes/http_head.hpp"

#include "config/limits/http.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>

#include <algorithm>

namespace troupe {

namespace {

namespace http = boost::beast::http;
using parser = http::request_parser<http::empty_body>;

std::string_view view(boost::beast::string_view text) { return {text.data(), text.size()}; }

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

/// reg-name of RFC 3986: a host that is not in brackets.
bool is_registered_name(std::string_view text) {
  constexpr std::string_view marks = "-._~!$&'()*+,;=";
  for (std::size_t i = 0; i < text.size(); ++i) {
    auto c = text[i];
    bool escaped = c == '%' && i + 2 < text.size() && is_hex(text[i + 1]) && is_hex(text[i + 2]);
    if (escaped)
      i += 2;
    else if (!is_letter(c) && !is_digit(c) && marks.find(c) == marks.npos)
      return false;
  }
  return true;
}

/// uri-host [ ":" port ] of RFC 9110, 7.2: the value of a Host header. It may be empty.
bool is_host(std::string_view text) {
  auto after = text.find(':');
  if (text.starts_with('[')) {
    auto end = text.find(']');
    if (end == text.npos || end < 3)
      return false;
    auto inside = text.substr(1, end - 1);
    if (!std::all_of(inside.begin(), inside.end(),
                     [](char c) { return is_hex(c) || c == ':' || c == '.'; }))
      return false;
    after = end + 1;
    if (after < text.size() && text[after] != ':')
      return false;
  } else if (!is_registered_name(text.substr(0, after))) {
    return false;
  }
  auto port = after < text.size() ? text.substr(after + 1) : std::string_view{};
  return std::all_of(port.begin(), port.end(), is_digit);
}

/// The path of an origin-form or absolute-form target; empty if it is neither.
std::string_view path_of(std::string_view target) {
  for (std::string_view scheme : {"http://", "https://"}) {
    auto begin = target.substr(0, scheme.size());
    if (!boost::beast::iequals({begin.data(), begin.size()}, {scheme.data(), scheme.size()}))
      continue;
    target.remove_prefix(scheme.size());
    auto end = std::min(target.find_first_of("/?"), target.size());
    auto host = target.substr(0, end);
    if (host.empty() || host.starts_with(':') || !is_host(host))
      return {};
    if (end == target.size() || target[end] == '?')
      return "/";
    target.remove_prefix(end);
    break;
  }
  if (!target.starts_with('/'))
    return {};
  return target.substr(0, target.find('?'));
}

/// Refuses what Beast accepts and RFC 9112 forbids, and what this listener does not support.
const http_refusal* refusal_of(const parser::value_type& request, bool has_length,
                               std::uint64_t length) {
  static constexpr http_refusal coding{400, "This Transfer-Encoding is not allowed."},
      host{400, "There must be exactly one Host header."},
      no_host{400, "The Host header is not HOST or HOST:PORT."},
      body{400, "Requests with a body are not served."},
      method{405, "Only GET and HEAD are served."}, target{400, "The target must be a path."};
  bool old_version = request.version() < 11;
  auto codings = request.equal_range(http::field::transfer_encoding);
  bool coded = codings.first != codings.second;
  if (coded
      && (old_version || std::next(codings.first) != codings.second
          || !boost::beast::iequals(codings.first->value(), "chunked")))
    return &coding;
  auto hosts = request.count(http::field::host);
  if (hosts > 1 || (hosts == 0 && !old_version))
    return &host;
  if (hosts == 1 && !is_host(view(request[http::field::host])))
    return &no_host;
  if (request.method() != http::verb::get && request.method() != http::verb::head)
    return &method;
  if (coded || (has_length && length != 0))
    return &body;
  return path_of(view(request.target())).empty() ? &target : nullptr;
}

} // namespace

std::variant<http_request_head, http_refusal> parse_http_head(std::string_view head) {
  if (head.find("\r\n ") != head.npos || head.find("\r\n\t") != head.npos)
    return http_refusal{400, "Folded header lines are not allowed."};
  parser reader;
  reader.header_limit(limits::http_header_bytes_max);
  boost::system::error_code error;
  auto used = reader.put(boost::asio::const_buffer{head.data(), head.size()}, error);
  if (error == http::error::header_limit)
    return http_refusal{431, "The header is too long."};
  if (error || !reader.is_header_done() || used != head.size())
    return http_refusal{400, "This is not a well-formed HTTP request."};
  const auto& request = reader.get();
  auto length = reader.content_length();
  if (auto refused = refusal_of(request, length.has_value(), length.value_or(0)))
    return *refused;
  return http_request_head{request.method() == http::verb::head, request.keep_alive(),
                           std::string{path_of(view(request.target()))},
                           std::string{view(request[http::field::accept])}};
}

} // namespace troupe
