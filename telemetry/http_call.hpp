#pragma once

#include "config/limits/http_client.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace troupe {

/// One request to a server that is not ours.
struct http_call {
  std::string method = "POST";
  std::string url;                  ///< http or https; never of a request of somebody else
  std::vector<std::string> headers; ///< "name: value"; they may hold keys: never shown
  std::string body;
  std::filesystem::path ca_file; ///< trusted instead of the system's authorities; empty: none
  std::size_t answer_bytes_max = limits::http_client_answer_bytes_max; ///< of the body
  /// It may be paused: it gets a connection of its own, by HTTP/1.1. Others share connections by
  /// HTTP/2 where the server offers it.
  bool may_pause = false;

  std::chrono::milliseconds connect_within = limits::http_client_connect_timeout; ///< with the name
  std::chrono::milliseconds first_within =
      limits::http_client_first_timeout; ///< from connected to a byte
  std::chrono::milliseconds between_within = limits::http_client_between_timeout; ///< two chunks
  std::chrono::milliseconds total_within = limits::http_client_total_timeout;
};

/// The views hold during the callback.
struct http_head {
  unsigned status = 0;
  std::string_view content_type;
  std::string_view retry_after;
  /// Headers about the server's rate limits, "name: value\n" each, and the first ones of them.
  std::string_view rate_limits;
};

enum class http_end : std::uint8_t {
  done,            ///< the answer came whole
  resolve,         ///< the host's name has no address
  connect,         ///< nobody accepts connections there
  tls,             ///< the server is not who it should be, or does not speak TLS
  timeout_connect, ///< no connection in time
  timeout_first,   ///< no byte of an answer in time
  timeout_between, ///< no further byte in time
  timeout_total,   ///< not whole in time
  broken,          ///< the connection ended before the answer did, or it was no HTTP
  too_large,       ///< the answer has more bytes than it may
  cancelled,       ///< by `cancel`, or by the end of the loop
};

std::string_view to_string(http_end why);

/// How a call ended.
struct http_ending {
  http_end why = http_end::done;
  std::string words;                ///< for people: what, where; empty when done; never a header
  bool reused = false;              ///< an open connection was used
  std::uint64_t received_bytes = 0; ///< of the body
};

/// What a call tells its owner: `head` at most once, then chunks, and `ended` exactly once, last.
/// All are called on the loop's thread, must not block, and may call the loop.
struct http_callbacks {
  std::function<void(const http_head&)> head;
  std::function<void(std::string_view)> chunk;
  std::function<void(const http_ending&)> ended;
};

/// Names a call of one loop; never used again.
enum class http_call_id : std::uint64_t {};

} // namespace troupe
