#pragma once

#include <string>
#include <string_view>

/// Decides which bytes are text, and decodes them.
///
/// Files do not name their encoding. It is found in this order: by a byte order mark; by a pattern
/// of NUL bytes, for UTF-16 and UTF-32; as UTF-8, if the bytes are valid. The rest, one byte per
/// character, is read as Windows-1252; the Encoding Standard (encoding.spec.whatwg.org) does so
/// even for text that calls itself Latin-1. The five bytes that Windows-1252 does not define (81,
/// 8d, 8f, 90, 9d) become U+FFFD. The standard makes control characters of them, but nobody meant
/// to write those.
namespace troupe::cli {

/// Why bytes from the beginning of a file are not text; empty if they are.
std::string why_not_text(std::string_view beginning);

struct decoded_text {
  std::string text; ///< valid UTF-8 without NUL
  std::string note; ///< "read as Windows-1252"; empty for valid UTF-8
};

/// Decodes a whole file that `why_not_text` accepted. A byte order mark is left out. Each invalid
/// character becomes U+FFFD, and the note counts them. A CR without a following LF is a line end
/// and becomes LF, because lines are counted by LF.
decoded_text decode_text(std::string_view bytes);

/// For names and arguments: bytes that are not UTF-8 are read as Windows-1252, and a byte order
/// mark is left out.
std::string to_utf8(std::string bytes);

} // namespace troupe::cli
