#include "nodes/cli/text_detection.hpp"

#include "telemetry/text_escape.hpp"

#include <algorithm>
#include <array>
#include <optional>

namespace troupe::cli {

namespace {

constexpr char32_t no_character = 0xfffd;
constexpr std::string_view utf_8_mark = "\xef\xbb\xbf";

constexpr std::size_t characters_a_fault = 20; ///< one character in so many may be bad

enum class encoding { bytes, utf_16_le, utf_16_be, utf_32_le, utf_32_be };

struct mark {
  std::string_view bytes;
  encoding kind;
};
// Longer marks come first: FF FE is the mark of UTF-16 and the first half of a mark of UTF-32.
constexpr std::array marks{
    mark{{"\xff\xfe\0\0", 4}, encoding::utf_32_le}, mark{{"\0\0\xfe\xff", 4}, encoding::utf_32_be},
    mark{{"\xff\xfe", 2}, encoding::utf_16_le}, mark{{"\xfe\xff", 2}, encoding::utf_16_be}};

/// Windows-1252 from 0x80 to 0x9f; its other bytes equal the Unicode numbers.
constexpr std::array<char16_t, 32> windows_1252 = {
    0x20ac, 0xfffd, 0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021, 0x02c6, 0x2030, 0x0160,
    0x2039, 0x0152, 0xfffd, 0x017d, 0xfffd, 0xfffd, 0x2018, 0x2019, 0x201c, 0x201d, 0x2022,
    0x2013, 0x2014, 0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0xfffd, 0x017e, 0x0178};

void append_utf_8(std::string& text, char32_t c) {
  auto tail = [&](int shift) { text += static_cast<char>(0x80 | ((c >> shift) & 0x3f)); };
  if (c < 0x80) {
    text += static_cast<char>(c);
  } else if (c < 0x800) {
    text += static_cast<char>(0xc0 | (c >> 6));
    tail(0);
  } else if (c < 0x10000) {
    text += static_cast<char>(0xe0 | (c >> 12));
    tail(6);
    tail(0);
  } else {
    text += static_cast<char>(0xf0 | (c >> 18));
    tail(12);
    tail(6);
    tail(0);
  }
}

bool is_surrogate(char32_t c) { return c >= 0xd800 && c <= 0xdfff; }

/// Reads characters of UTF-16 or UTF-32 one by one.
class wide_reader {
public:
  wide_reader(std::string_view bytes, encoding kind)
      : bytes_(bytes), big_(kind == encoding::utf_16_be || kind == encoding::utf_32_be),
        width_(kind == encoding::utf_16_le || kind == encoding::utf_16_be ? 2 : 4) {}

  /// Returns U+FFFD for an invalid character, and nothing at the end.
  std::optional<char32_t> next() {
    if (bytes_.empty())
      return std::nullopt;
    if (bytes_.size() < width_) { // an odd length
      bytes_ = {};
      return no_character;
    }
    auto first = take();
    if (width_ == 4)
      return first > 0x10ffff || is_surrogate(first) ? no_character : first;
    if (!is_surrogate(first))
      return first;
    if (first >= 0xdc00 || bytes_.size() < width_)
      return no_character;
    auto rest = bytes_;
    auto second = take();
    if (second < 0xdc00 || second > 0xdfff) {
      bytes_ = rest; // the first is invalid, the second is a separate character
      return no_character;
    }
    return 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
  }

private:
  char32_t take() {
    char32_t unit = 0;
    for (std::size_t i = 0; i < width_; ++i) {
      auto at = big_ ? i : width_ - 1 - i;
      unit = unit << 8 | static_cast<unsigned char>(bytes_[at]);
    }
    bytes_.remove_prefix(width_);
    return unit;
  }

  std::string_view bytes_;
  bool big_;
  std::size_t width_;
};

/// Control characters that do not occur in text: all except tab, line ends, form feed, backspace
/// and escape.
bool is_odd_control(char32_t c) {
  return (c < 0x20 && !(c >= 0x08 && c <= 0x0d) && c != 0x1b) || c == 0x7f;
}

struct wide_counts {
  std::size_t characters = 0;
  std::size_t ascii = 0;
  std::size_t broken = 0; ///< invalid, or not found in text
};

wide_counts count_wide(std::string_view bytes, encoding kind) {
  wide_counts found;
  wide_reader reader(bytes, kind);
  while (auto c = reader.next()) {
    bool is_private = *c >= 0xe000 && *c <= 0xf8ff;
    bool is_never = (*c >= 0xfdd0 && *c <= 0xfdef) || (*c & 0xfffe) == 0xfffe;
    ++found.characters;
    found.ascii += *c < 0x80;
    found.broken += *c == no_character || is_odd_control(*c) || is_private || is_never;
  }
  return found;
}

/// Whether bytes without a mark, from the beginning of a file, are text of that encoding: every
/// character is valid, none is a control character, and some are ASCII, as line ends are in any
/// language.
bool reads_as(std::string_view bytes, encoding kind) {
  constexpr std::size_t sure =
      8; // so many valid characters are no accident, even with a byte left over
  auto found = count_wide(bytes, kind);
  bool cut = found.broken == 1
             && found.characters > sure; // the sample or the file ends inside a character
  return found.ascii > 0 && (found.broken == 0 || cut);
}

/// UTF-8 that is cut off at the end of a sample still counts as UTF-8.
bool is_utf_8(std::string_view sample) {
  constexpr std::size_t longest = 4;
  while (!sample.empty())
    if (auto length = utf8_length(sample))
      sample.remove_prefix(length);
    else
      break;
  if (sample.size() >= longest)
    return false;
  // The rest would be a character if more bytes followed.
  for (std::string_view rest :
       {"\x80", "\x80\x80", "\x80\x80\x80", "\xa0", "\xa0\x80", "\x90\x80", "\x90\x80\x80"})
    if (sample.empty() || utf8_length(std::string(sample) + std::string(rest)) > sample.size())
      return true;
  return false;
}

/// UTF-8 (or ASCII) with a few NUL bytes, as in lists of names or padded fields. In UTF-16, every
/// second byte of ASCII letters would be NUL; if ASCII letters are rare, the other bytes are not
/// all printable.
bool is_text_with_nuls(std::string_view sample) {
  constexpr std::ptrdiff_t rare = 4; // at most one byte in so many
  auto nuls = std::count(sample.begin(), sample.end(), '\0');
  auto odd = std::count_if(sample.begin(), sample.end(),
                           [](char c) { return is_odd_control(static_cast<unsigned char>(c)); });
  return odd == nuls && nuls * rare < static_cast<std::ptrdiff_t>(sample.size())
         && is_utf_8(sample);
}

std::optional<encoding> marked(std::string_view bytes, std::size_t& length) {
  for (const auto& each : marks)
    if (bytes.starts_with(each.bytes)) {
      length = each.bytes.size();
      return each.kind;
    }
  return std::nullopt;
}

/// `encoding::bytes` means that each character is one byte or a UTF-8 sequence.
encoding encoding_of(std::string_view beginning, std::size_t& mark_length) {
  mark_length = 0;
  if (auto kind = marked(beginning, mark_length))
    return *kind;
  if (beginning.find('\0') != std::string_view::npos && !is_text_with_nuls(beginning))
    for (auto kind :
         {encoding::utf_32_le, encoding::utf_32_be, encoding::utf_16_le, encoding::utf_16_be})
      if (reads_as(beginning, kind))
        return kind;
  return encoding::bytes;
}

std::string_view name_of(encoding kind) {
  switch (kind) {
    case encoding::bytes:
      return "UTF-8";
    case encoding::utf_16_le:
      return "UTF-16 (little-endian)";
    case encoding::utf_16_be:
      return "UTF-16 (big-endian)";
    case encoding::utf_32_le:
      return "UTF-32 (little-endian)";
    case encoding::utf_32_be:
      return "UTF-32 (big-endian)";
  }
  return {};
}

/// What a text consists of, if each character is one byte or a UTF-8 sequence.
struct byte_counts {
  std::size_t sequences = 0; ///< of more than one byte
  std::size_t invalid = 0;   ///< bytes outside any UTF-8 character
};

byte_counts count(std::string_view text) {
  byte_counts found;
  while (!text.empty()) {
    auto length = utf8_length(text);
    found.invalid += length == 0;
    found.sequences += length > 1;
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return found;
}

/// Mostly UTF-8: the rest is damage, not another encoding.
bool is_damaged_utf_8(const byte_counts& found) {
  constexpr std::size_t much_more = 2;
  return found.sequences > much_more * found.invalid;
}

std::string decode_bytes(std::string_view bytes, bool damaged) {
  std::string text;
  text.reserve(bytes.size() + bytes.size() / 8);
  while (!bytes.empty()) {
    auto length = utf8_length(bytes);
    if (length == 0) {
      auto byte = static_cast<unsigned char>(bytes.front());
      char32_t meant = byte < 0xa0 ? windows_1252[byte - 0x80] : byte;
      append_utf_8(text, damaged ? no_character : meant);
      length = 1;
    } else {
      text.append(bytes.substr(0, length));
    }
    bytes.remove_prefix(length);
  }
  return text;
}

std::string replaced_note(std::size_t count) {
  return count == 0 ? ""
                    : std::to_string(count)
                          + (count == 1 ? " invalid character was replaced"
                                        : " invalid characters were replaced");
}

decoded_text decode_wide(std::string_view bytes, encoding kind) {
  decoded_text made;
  std::size_t replaced = 0;
  wide_reader reader(bytes, kind);
  while (auto c = reader.next()) {
    replaced += *c == no_character || *c == 0;
    append_utf_8(made.text, *c == 0 ? no_character : *c);
  }
  made.note = "read as " + std::string(name_of(kind));
  if (replaced > 0)
    made.note += "; " + replaced_note(replaced);
  return made;
}

decoded_text decode_narrow(std::string_view bytes) {
  auto found = count(bytes);
  decoded_text made;
  made.text =
      found.invalid == 0 ? std::string(bytes) : decode_bytes(bytes, is_damaged_utf_8(found));
  std::size_t replaced = 0;
  for (auto at = made.text.find('\0'); at != std::string::npos; at = made.text.find('\0', at)) {
    made.text.replace(at, 1, "\xef\xbf\xbd");
    ++replaced;
  }
  if (found.invalid > 0 && is_damaged_utf_8(found))
    replaced += found.invalid;
  else if (found.invalid > 0)
    made.note = found.sequences == 0 ? "read as Windows-1252"
                                     : "read as UTF-8, with Windows-1252 for invalid bytes";
  if (replaced > 0)
    made.note += (made.note.empty() ? "read as UTF-8; " : "; ") + replaced_note(replaced);
  return made;
}

void end_lines_by_lf(std::string& text) {
  for (auto at = text.find('\r'); at != std::string::npos; at = text.find('\r', at + 1))
    if (at + 1 == text.size() || text[at + 1] != '\n')
      text[at] = '\n';
}

} // namespace

std::string why_not_text(std::string_view beginning) {
  if (beginning.empty())
    return "is empty";
  std::size_t mark_length = 0;
  auto kind = encoding_of(beginning, mark_length);
  auto content = beginning.substr(mark_length);
  if (kind != encoding::bytes) {
    if (content.empty())
      return "is empty";
    auto found = count_wide(content, kind);
    if (found.broken * characters_a_fault > found.characters)
      return "is not text (it begins like " + std::string(name_of(kind)) + ")";
    return {};
  }
  if (beginning.starts_with(utf_8_mark) && beginning.size() == utf_8_mark.size())
    return "is empty";
  if (beginning.find('\0') != std::string_view::npos)
    return "is not text (it holds NUL bytes)";
  auto odd = std::count_if(beginning.begin(), beginning.end(),
                           [](char c) { return is_odd_control(static_cast<unsigned char>(c)); });
  auto size = static_cast<std::ptrdiff_t>(beginning.size());
  if (is_utf_8(beginning) || is_damaged_utf_8(count(beginning)))
    return odd * static_cast<std::ptrdiff_t>(characters_a_fault) > size
               ? "is not text (it holds control characters)"
               : "";
  // One byte per character: there must be no control characters, and letters beyond ASCII must be
  // the exception. Texts in other alphabets are Unicode today.
  auto high = std::count_if(beginning.begin(), beginning.end(),
                            [](char c) { return static_cast<unsigned char>(c) >= 0x80; });
  if (odd != 0 || high * 2 > size)
    return "is not text (neither UTF-8, UTF-16, UTF-32 nor Windows-1252)";
  return {};
}

decoded_text decode_text(std::string_view bytes) {
  constexpr std::size_t sample_bytes = 8 * 1024; // as much as `why_not_text` saw
  std::size_t mark_length = 0;
  auto kind = encoding_of(bytes.substr(0, sample_bytes), mark_length);
  if (bytes.starts_with(utf_8_mark))
    mark_length = utf_8_mark.size();
  auto content = bytes.substr(mark_length);
  auto made = kind == encoding::bytes ? decode_narrow(content) : decode_wide(content, kind);
  end_lines_by_lf(made.text);
  return made;
}

std::string to_utf8(std::string bytes) {
  if (bytes.starts_with(utf_8_mark))
    bytes.erase(0, utf_8_mark.size());
  auto found = count(bytes);
  return found.invalid == 0 ? bytes : decode_bytes(bytes, is_damaged_utf_8(found));
}

} // namespace troupe::cli
