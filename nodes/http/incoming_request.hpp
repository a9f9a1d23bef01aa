#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace troupe {

/// A header line. Both are views.
struct http_field {
  std::string_view name;
  std::string_view value; ///< without the blanks around it
};

/// What was read from the bytes of a head, all of it views of these bytes.
struct http_request_head {
  std::string_view method;
  std::string_view path;  ///< without the query; begins with a slash; escapes are as they came
  std::string_view query; ///< after the first `?`
  std::vector<http_field> fields;
  bool keep_alive = false;
  bool is_1_0 = false;  ///< knows no chunks
  bool chunked = false; ///< the body comes in chunks; else it has `length` bytes
  bool expects_continue = false;
  std::size_t length = 0;
};

/// A request with its body. It owns the bytes that its views are of, so it may be moved into
/// another thread. It is bounded by `limits::http_header_bytes_max` and its route's body limit.
class incoming_request {
public:
  incoming_request() = default;
  /// Copies the bytes that `head` has views of, and makes room for a body of `head.length` bytes.
  incoming_request(std::string_view bytes, const http_request_head& head);

  std::string_view method() const noexcept { return head_.method; }
  std::string_view path() const noexcept { return head_.path; }
  const std::vector<http_field>& fields() const noexcept { return head_.fields; }
  /// The value of the first header of that name, in any case; empty if there is none.
  std::string_view header(std::string_view name) const noexcept;
  /// The value of `name=value` in the query, as it came; empty if there is none.
  std::string_view argument(std::string_view name) const noexcept;
  /// What stood in place of the n-th `*` of the route's pattern.
  std::string_view part(std::size_t n) const noexcept {
    return n < parts_.size() ? parts_[n] : std::string_view{};
  }

  /// `limits::http_body_padding` more bytes may be read behind it; they are zeros.
  std::string_view body() const noexcept { return body_; }

  // -- for the server ---------------------------------------------------------------------------

  const http_request_head& head() const noexcept { return head_; }
  char* body_room() noexcept { return room_; } ///< `head().length` bytes
  void set_body(std::string_view bytes);       ///< of a body that came in chunks
  void set_parts(std::vector<std::string_view> parts) { parts_ = std::move(parts); }

private:
  http_request_head head_;
  std::vector<std::string_view> parts_;
  std::unique_ptr<char[]> bytes_; ///< the head, the body, the padding
  std::unique_ptr<char[]> chunks_;
  char* room_ = nullptr;
  std::string_view body_;
};

/// ASCII letters of either case are the same.
bool same_word(std::string_view a, std::string_view b) noexcept;

} // namespace troupe
