#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace troupe {

/// Puts together a body that comes in chunks, by Boost.Beast's parser, which is strict about them.
/// Trailers are read and dropped.
class chunked_body {
public:
  explicit chunked_body(std::size_t bytes_max);
  ~chunked_body();

  enum class state : std::uint8_t {
    unfinished, ///< more is needed
    complete,   ///< `bytes()` is the body
    too_large,  ///< more than it may have
    malformed,  ///< not chunks as in RFC 9112
  };
  /// Takes what belongs to the body from the front of `input`.
  state take(std::string_view& input);

  const std::string& bytes() const;

private:
  struct reader;
  std::unique_ptr<reader> reader_;
  std::string rest_; ///< of a line that is not complete
};

} // namespace troupe
