#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

/// Decides what is UTF-8, in one place for the whole program. Well-formed sequences are those of
/// the Unicode standard, table 3-7: no overlong forms, no surrogates, nothing above U+10FFFF.
/// Noncharacters such as U+FFFF are allowed.
///
/// Protobuf writes a `string` that is not UTF-8, with a complaint on standard error, but nobody can
/// read it. So text is checked where it enters (files, arguments, names from links) and where a
/// value is made.
namespace troupe {

/// The bytes at the start of `text` that form one UTF-8 character; 0 if there is no valid one.
std::size_t utf8_length(std::string_view text);

/// The position of the first byte that belongs to no character; nothing if all of it is UTF-8.
std::optional<std::size_t> find_bad_utf8(std::string_view text);

inline bool is_utf8(std::string_view text) { return !find_bad_utf8(text); }

/// The same text with U+FFFD for each byte that belongs to no character.
std::string valid_utf8(std::string_view text);

/// The longest beginning of at most `bytes_max` bytes that does not cut a character.
std::string_view utf8_prefix(std::string_view text, std::size_t bytes_max);

} // namespace troupe
