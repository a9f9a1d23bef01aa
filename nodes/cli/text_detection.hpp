#pragma once

#include <string>
#include <string_view>

/// Which bytes are text, and the text they are.
///
/// Files do not say how they are written. A byte order mark says it; else NUL bytes at every other
/// place say UTF-16 and UTF-32; else bytes that are UTF-8 are; and what is left, one byte a
/// character, is read as Windows-1252, as the Encoding Standard (encoding.spec.whatwg.org) has it
/// for all that calls itself Latin-1 too. The five bytes that Windows-1252 does not define (81, 8d,
/// 8f, 90, 9d) become U+FFFD: the controls that the standard makes of them are what nobody wrote.
namespace troupe::cli {

/// Why bytes from the beginning of a file are no text; empty if they are.
std::string why_not_text(std::string_view beginning);

struct decoded_text {
  std::string text; ///< valid UTF-8 without NUL
  std::string note; ///< "read as Windows-1252"; empty for UTF-8 without a fault
};

/// The whole of a file that `why_not_text` found nothing about. A byte order mark is left out. What
/// forms no character becomes U+FFFD and is counted in the note. A CR that no LF follows is a line
/// end and becomes LF: lines are counted by these.
decoded_text decode_text(std::string_view bytes);

/// Names and arguments: bytes that are not UTF-8 are taken for Windows-1252, a byte order mark is
/// left out.
std::string to_utf8(std::string bytes);

} // namespace troupe::cli
