#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace troupe {

/// The answer to a request. A header's value may come from outside: what could end its line is
/// replaced where it is written.
struct http_answer {
  unsigned status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers; ///< besides those of the server
};

/// How the end of a body is known.
enum class body_framing : std::uint8_t {
  length,      ///< Content-Length
  chunks,      ///< the last chunk is empty
  until_close, ///< the end of the connection, for HTTP/1.0
};

/// Appends the head of an answer, with its empty line. `length` is only for that framing.
void append_answer_head(std::string& out, const http_answer& answer, body_framing framing,
                        std::uint64_t length, bool keep_alive);

/// Appends a chunk of a body; an empty one ends the body.
void append_chunk(std::string& out, std::string_view bytes);

} // namespace troupe
