#include "actors/agents/contents.hpp"

#include "config/base/utf8.hpp"
#include "config/limits/telemetry.hpp"
#include "telemetry/span.hpp"
#include "telemetry/text_escape.hpp"

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace troupe {

namespace {

constexpr std::string_view cut_mark = "\u2026"; // an ellipsis

/// A message of a conversation, with the JSON around its text.
struct part {
  std::string before;
  std::string text; ///< the inside of a JSON string
  std::string after;

  std::size_t frame() const { return before.size() + after.size() + 1; } ///< and a comma
};

/// {"role":"user","parts":[{"type":"text","content":"..."}]}
part part_of(std::string_view role, std::string_view text) {
  part made;
  made.before = R"({"role":")";
  append_json_escaped(made.before, role.substr(0, limits::span_text_bytes_max / 8));
  made.before += R"(","parts":[{"type":"text","content":")";
  append_json_escaped(made.text, text.substr(0, limits::span_text_bytes_max)); // more is cut anyway
  made.after = R"("}])";
  return made;
}

/// The bytes of the first character of the inside of a JSON string.
std::size_t character_length(std::string_view text) {
  constexpr std::size_t short_escape = 2, long_escape = 6; // \n and \u001b
  if (text.front() != '\\')
    return std::max<std::size_t>(utf8_length(text), 1);
  if (text.size() < long_escape || text[1] != 'u')
    return short_escape;
  bool is_first_half = text.substr(2, 2) >= "d8" && text.substr(2, 2) < "dc";
  return is_first_half ? 2 * long_escape : long_escape;
}

/// Cuts between two characters, and shows it.
void cut(std::string& text, std::size_t bytes_max) {
  if (text.size() <= bytes_max)
    return;
  std::size_t kept = 0;
  for (std::string_view rest = text; !rest.empty();) {
    auto next = character_length(rest);
    if (kept + next + cut_mark.size() > bytes_max)
      break;
    kept += next;
    rest.remove_prefix(std::min(next, rest.size()));
  }
  text.resize(std::min(kept, text.size()));
  text += cut_mark;
}

/// The length that every text may have so that all together have `bytes`: short ones leave what
/// they do not need to the others.
std::size_t fair_length(const std::vector<part>& parts, std::size_t bytes) {
  std::vector<std::size_t> lengths;
  lengths.reserve(parts.size());
  for (const auto& one : parts)
    lengths.push_back(one.text.size());
  std::sort(lengths.begin(), lengths.end());
  for (std::size_t i = 0; i < lengths.size(); ++i) {
    auto share = bytes / (lengths.size() - i);
    if (lengths[i] > share)
      return share;
    bytes -= lengths[i];
  }
  return limits::span_text_bytes_max;
}

/// JSON of at most `span_text_bytes_max`: texts are cut, and the oldest messages are left out if
/// there is no room even for that.
std::string join(std::vector<part> parts) {
  constexpr std::size_t brackets = 2;
  auto frames = brackets;
  auto first = parts.end();
  while (first != parts.begin()
         && frames + (first - 1)->frame() + cut_mark.size() <= limits::span_text_bytes_max) {
    --first;
    frames += first->frame() + cut_mark.size();
  }
  parts.erase(parts.begin(), first);
  auto room = limits::span_text_bytes_max - frames + parts.size() * cut_mark.size();
  auto length = std::max(fair_length(parts, room), cut_mark.size());
  std::string json = "[";
  for (auto& one : parts) {
    if (json.size() > 1)
      json += ',';
    cut(one.text, length);
    (json += one.before) += one.text;
    json += one.after;
  }
  return json + "]";
}

} // namespace

void set_input(SpanData& chat, const ModelRequest& asked) {
  std::vector<part> parts;
  for (const auto& message : asked.messages()) {
    parts.push_back(part_of(message.role(), message.content()));
    parts.back().after += "}";
  }
  set(chat, attr::input_messages, join(std::move(parts)));
}

void set_output(SpanData& chat, const ModelAnswer& answer) {
  auto made = part_of("assistant", answer.text());
  made.after += R"(,"finish_reason":")";
  append_json_escaped(made.after, answer.finish_reason());
  made.after += R"("})";
  std::vector<part> parts;
  parts.push_back(std::move(made));
  set(chat, attr::output_messages, join(std::move(parts)));
}

} // namespace troupe
