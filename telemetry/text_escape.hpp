#pragma once

#include "config/base/utf8.hpp"

#include <string>
#include <string_view>

/// Makes text of any origin safe to print. All functions put U+FFFD for bytes that are not UTF-8.
namespace troupe {

/// Appends `text` as the inside of a JSON string (without the quotation marks).
void append_json_escaped(std::string& out, std::string_view text);

/// Appends `text` for a terminal: control characters become visible escapes, so that no text moves
/// the cursor, begins a new line or changes colours.
void append_terminal_escaped(std::string& out, std::string_view text);

/// `append_terminal_escaped` for one text: names and messages of others, within a line of ours.
std::string one_line(std::string_view text);

/// Text of several lines for a terminal: line ends and tabs stay, and what commands a terminal
/// becomes `?`. With `keep_colours`, our own colours stay too.
std::string terminal_text(std::string_view text, bool keep_colours = false);

/// Whether a terminal obeys the character instead of showing it: the control characters C0, DEL and
/// C1, those that change the direction of the text after them (U+202A-E, U+2066-9), the ends of
/// lines and paragraphs, and those that nobody sees (U+FEFF, tags and the like).
bool commands_terminal(char32_t character);

} // namespace troupe
