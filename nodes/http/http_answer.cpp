#include "nodes/http/http_answer.hpp"

#include <charconv>
#include <ctime>

namespace troupe {

namespace {

/// RFC 9110, section 15, as far as this server and what stands on it send them.
std::string_view reason_of(unsigned status) {
  switch (status) {
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 204:
      return "No Content";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 413:
      return "Content Too Large";
    case 415:
      return "Unsupported Media Type";
    case 417:
      return "Expectation Failed";
    case 422:
      return "Unprocessable Content";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 502:
      return "Bad Gateway";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    case 529:
      return "Overloaded";
    default:
      return "Other";
  }
}

/// The date of this second. Each thread formats it once a second.
std::string_view http_date() {
  thread_local std::time_t known = -1;
  thread_local char text[40];
  thread_local std::size_t size = 0;
  auto now = std::time(nullptr);
  if (now != known) {
    std::tm parts{};
    ::gmtime_r(&now, &parts);
    size = std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &parts);
    known = now;
  }
  return {text, size};
}

void append_number(std::string& out, std::uint64_t number, int base = 10) {
  char digits[20];
  auto end = std::to_chars(digits, digits + sizeof digits, number, base).ptr;
  out.append(digits, end);
}

/// A field's value may hold what a client has sent. No byte of it may end the line.
void append_value(std::string& out, std::string_view value) {
  for (auto c : value)
    out += (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f ? '?' : c;
}

} // namespace

void append_answer_head(std::string& out, const http_answer& answer, body_framing framing,
                        std::uint64_t length, bool keep_alive) {
  out += "HTTP/1.1 ";
  append_number(out, answer.status);
  out += ' ';
  out += reason_of(answer.status);
  out += "\r\nDate: ";
  out += http_date();
  out += "\r\nContent-Type: ";
  append_value(out, answer.content_type);
  if (framing == body_framing::length) {
    out += "\r\nContent-Length: ";
    append_number(out, length);
  } else if (framing == body_framing::chunks) {
    out += "\r\nTransfer-Encoding: chunked";
  }
  out += "\r\nCache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n";
  for (const auto& [name, value] : answer.headers) {
    append_value(out, name);
    out += ": ";
    append_value(out, value);
    out += "\r\n";
  }
  out += keep_alive ? "Connection: keep-alive\r\n\r\n" : "Connection: close\r\n\r\n";
}

void append_chunk(std::string& out, std::string_view bytes) {
  append_number(out, bytes.size(), 16);
  out += "\r\n";
  out += bytes;
  out += "\r\n";
}

} // namespace troupe
