#include "telemetry/text_escape.hpp"

#include "config/base/hex.hpp"

namespace troupe {

namespace {

constexpr std::string_view replacement = "\xEF\xBF\xBD";

/// The number of a well-formed character of `length` bytes.
char32_t code_point(std::string_view text, std::size_t length) {
  auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  constexpr unsigned char first_bits[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
  char32_t number = byte(0) & first_bits[length];
  for (std::size_t i = 1; i < length; ++i)
    number = number << 6 | (byte(i) & 0x3f);
  return number;
}

/// Copies `text`, passing each character that commands a terminal, and `special`, to `escape`.
template <class Special, class Escape>
void append_escaped(std::string& out, std::string_view text, Special special, Escape escape) {
  while (!text.empty()) {
    auto length = utf8_length(text);
    if (length == 0) {
      out.append(replacement);
      text.remove_prefix(1);
      continue;
    }
    auto character = code_point(text, length);
    if (commands_terminal(character) || special(character))
      escape(out, character);
    else
      out.append(text.substr(0, length));
    text.remove_prefix(length);
  }
}

void append_digits(std::string& out, char32_t number, int digits) {
  out += to_hex(std::uint64_t{number}).substr(16 - static_cast<std::size_t>(digits));
}

/// As JSON writes a character: two halves for those beyond the first 65,536.
void append_json_number(std::string& out, char32_t c) {
  constexpr char32_t beyond = 0x10000;
  if (c >= beyond) {
    append_json_number(out, 0xd800 + ((c - beyond) >> 10));
    append_json_number(out, 0xdc00 + ((c - beyond) & 0x3ff));
    return;
  }
  out += "\\u";
  append_digits(out, c, 4);
}

/// The bytes of a colour at the start of `text`, ESC [ digits and semicolons m; 0 if it is none.
std::size_t colour_length(std::string_view text) {
  constexpr std::size_t parameters_max = 8;
  if (!text.starts_with("\x1b["))
    return 0;
  auto end = text.find_first_not_of("0123456789;", 2);
  return end != text.npos && text[end] == 'm' && end <= 2 + parameters_max ? end + 1 : 0;
}

} // namespace

bool commands_terminal(char32_t c) {
  return c < 0x20 || (c >= 0x7f && c <= 0x9f)                            // C0, DEL, C1
         || (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) // direction
         || c == 0x2028 || c == 0x2029                                   // line, paragraph
         || c == 0xfeff || c == 0x180e || (c >= 0xfff9 && c <= 0xfffb)   // seen by nobody
         || (c >= 0xe0000 && c <= 0xe007f);                              // tags: neither
}

void append_json_escaped(std::string& out, std::string_view text) {
  auto special = [](char32_t c) { return c == '"' || c == '\\'; };
  append_escaped(out, text, special, [](std::string& to, char32_t c) {
    switch (c) {
      case '"':
        to += "\\\"";
        return;
      case '\\':
        to += "\\\\";
        return;
      case '\n':
        to += "\\n";
        return;
      case '\r':
        to += "\\r";
        return;
      case '\t':
        to += "\\t";
        return;
      default:
        append_json_number(to, c);
    }
  });
}

void append_terminal_escaped(std::string& out, std::string_view text) {
  auto special = [](char32_t) { return false; };
  append_escaped(out, text, special, [](std::string& to, char32_t c) {
    if (c == '\n') {
      to += "\\n";
      return;
    }
    to += c < 0x100 ? "\\x" : c < 0x10000 ? "\\u" : "\\U";
    append_digits(to, c, c < 0x100 ? 2 : c < 0x10000 ? 4 : 8);
  });
}

std::string one_line(std::string_view text) {
  std::string line;
  line.reserve(text.size());
  append_terminal_escaped(line, text);
  return line;
}

std::string terminal_text(std::string_view text, bool keep_colours) {
  std::string shown;
  shown.reserve(text.size());
  while (!text.empty()) {
    if (auto colour = keep_colours ? colour_length(text) : 0; colour != 0) {
      shown.append(text.substr(0, colour));
      text.remove_prefix(colour);
      continue;
    }
    auto length = utf8_length(text);
    auto character = length == 0 ? U'\xfffd' : code_point(text, length);
    bool line_end = character == '\r' && (text.size() == 1 || text[1] == '\n');
    if (length == 0)
      shown.append(replacement);
    else if (character == '\n' || character == '\t' || !commands_terminal(character))
      shown.append(text.substr(0, length));
    else if (!line_end)
      shown.push_back('?');
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return shown;
}

} // namespace troupe
