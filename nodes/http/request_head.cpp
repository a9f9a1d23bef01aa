#include "nodes/http/request_head.hpp"

#include "config/limits/http.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>

#include <algorithm>

namespace troupe {

namespace {

namespace http = boost::beast::http;
using parser = http::request_parser<http::empty_body>;

constexpr http_refusal malformed{400, "This is not a well-formed HTTP request."};

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

/// Splits an origin-form or absolute-form target; whether it is one. The authority of the absolute
/// form is ignored.
bool split_target(std::string_view target, http_request_head& into) {
  for (std::string_view scheme : {"http://", "https://"}) {
    if (!same_word(target.substr(0, scheme.size()), scheme))
      continue;
    target.remove_prefix(scheme.size());
    auto end = std::min(target.find_first_of("/?"), target.size());
    auto host = target.substr(0, end);
    if (host.empty() || host.starts_with(':') || !is_host(host))
      return false;
    target.remove_prefix(end);
    if (target.starts_with('/'))
      break;
    into.path = "/";
    into.query = target.substr(std::min<std::size_t>(1, target.size()));
    return true;
  }
  if (!target.starts_with('/'))
    return false;
  auto query = std::min(target.find('?'), target.size());
  into.path = target.substr(0, query);
  into.query = target.substr(std::min(query + 1, target.size()));
  return true;
}

/// Splits the lines of a head that Beast has found to be well-formed.
void split_fields(std::string_view head, std::vector<http_field>& into) {
  constexpr std::string_view blanks = " \t";
  auto rest = head.substr(head.find("\r\n") + 2);
  into.reserve(8); // most requests have fewer
  for (auto end = rest.find("\r\n"); end != 0; end = rest.find("\r\n")) {
    auto line = rest.substr(0, end);
    rest.remove_prefix(end + 2);
    auto colon = line.find(':');
    auto value = line.substr(colon + 1);
    value.remove_prefix(std::min(value.find_first_not_of(blanks), value.size()));
    value = value.substr(0, value.find_last_not_of(blanks) + 1);
    into.push_back({line.substr(0, colon), value});
  }
}

/// What the lines say of the body and of the host.
struct special_fields {
  unsigned hosts = 0, codings = 0, lengths = 0;
  std::string_view host, coding, length, expectation, content_coding;
};

special_fields special_in(const std::vector<http_field>& fields) {
  special_fields found;
  for (const auto& [name, value] : fields) {
    if (same_word(name, "host"))
      ++found.hosts, found.host = value;
    else if (same_word(name, "transfer-encoding"))
      ++found.codings, found.coding = value;
    else if (same_word(name, "content-length"))
      ++found.lengths, found.length = value;
    else if (same_word(name, "expect"))
      found.expectation = value;
    else if (same_word(name, "content-encoding"))
      found.content_coding = value;
  }
  return found;
}

/// Refuses what Beast accepts and RFC 9112 forbids, and what this server does not support.
const http_refusal* refusal_of(const special_fields& has, const http_request_head& head) {
  static constexpr http_refusal coding{400, "This Transfer-Encoding is not allowed."},
      host{400, "There must be exactly one Host header."},
      no_host{400, "The Host header is not HOST or HOST:PORT."},
      length{400, "There must be at most one Content-Length, a single number."},
      body{400, "A request of this method has no body."},
      content_coding{415, "The body must not be compressed."},
      expectation{417, "Only 100-continue can be expected."};
  if (has.codings > 1 || (has.codings == 1 && (head.is_1_0 || !same_word(has.coding, "chunked"))))
    return &coding;
  if (has.lengths > 1
      || (has.lengths == 1 && has.length.find_first_not_of("0123456789") != has.length.npos))
    return &length;
  if (has.hosts > 1 || (has.hosts == 0 && !head.is_1_0))
    return &host;
  if (has.hosts == 1 && !is_host(has.host))
    return &no_host;
  if (!has.content_coding.empty() && !same_word(has.content_coding, "identity"))
    return &content_coding;
  if (!has.expectation.empty() && !same_word(has.expectation, "100-continue"))
    return &expectation;
  bool takes_none = head.method == "GET" || head.method == "HEAD";
  return takes_none && (head.chunked || head.length > 0) ? &body : nullptr;
}

} // namespace

std::variant<http_request_head, http_refusal> parse_request_head(std::string_view bytes) {
  static constexpr http_refusal target{400, "The target must be a path."};
  if (bytes.find("\r\n ") != bytes.npos || bytes.find("\r\n\t") != bytes.npos)
    return http_refusal{400, "Folded header lines are not allowed."};
  parser reader;
  reader.header_limit(limits::http_header_bytes_max);
  reader.body_limit(boost::none); // the route has one
  boost::system::error_code error;
  auto used = reader.put(boost::asio::const_buffer{bytes.data(), bytes.size()}, error);
  if (error == http::error::header_limit)
    return http_refusal{431, "The header is too long."};
  if (error || !reader.is_header_done() || used != bytes.size())
    return malformed;
  const auto& request = reader.get();
  http_request_head head;
  head.method = bytes.substr(0, bytes.find(' '));
  head.is_1_0 = request.version() < 11;
  head.keep_alive = request.keep_alive();
  head.chunked = reader.chunked();
  split_fields(bytes, head.fields);
  auto has = special_in(head.fields);
  if (auto length = reader.content_length())
    head.length = *length;
  head.expects_continue = !has.expectation.empty() && !head.is_1_0;
  if (auto refused = refusal_of(has, head))
    return *refused;
  auto from = head.method.size() + 1;
  if (!split_target(bytes.substr(from, bytes.find(' ', from) - from), head))
    return target;
  return head;
}

} // namespace troupe
