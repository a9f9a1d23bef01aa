#include "actors/reading/excerpts.hpp"

#include "actors/llm/offline/model_prompt.hpp"
#include "actors/text/bm25.hpp"
#include "actors/text/text.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

namespace troupe {

namespace {

/// The length of the UTF-8 character at `at`, or 0 if there is none (overlong forms and surrogates
/// do not count; Unicode 15, table 3-7).
std::size_t character_length(std::string_view text, std::size_t at) {
  auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  auto first = byte(at);
  std::size_t length = first < 0x80   ? 1
                       : first < 0xc2 ? 0
                       : first < 0xe0 ? 2
                       : first < 0xf0 ? 3
                       : first < 0xf5 ? 4
                                      : 0;
  if (length == 0 || at + length > text.size())
    return 0;
  for (std::size_t i = 1; i < length; ++i)
    if ((byte(at + i) & 0xc0) != 0x80)
      return 0;
  auto second = length > 1 ? byte(at + 1) : 0;
  auto wrong = (first == 0xe0 && second < 0xa0) || (first == 0xed && second > 0x9f)
               || (first == 0xf0 && second < 0x90) || (first == 0xf4 && second > 0x8f);
  return wrong ? 0 : length;
}

bool looks_binary(std::string_view bytes) {
  auto control = [](char c) {
    auto byte = static_cast<unsigned char>(c);
    return byte == 0x7f || (byte < 0x20 && (byte < 0x08 || byte > 0x0d) && byte != 0x1b);
  };
  if (bytes.find('\0') != std::string_view::npos)
    return true;
  auto controls = std::count_if(bytes.begin(), bytes.end(), control);
  return static_cast<std::size_t>(controls) > bytes.size() / 50;
}

std::size_t size_of(const Excerpt& one) { return one.source().size() + one.text().size(); }

} // namespace

Excerpt excerpt_of(std::string source, std::string text) {
  Excerpt made;
  made.set_source(std::move(source));
  made.set_text(std::move(text));
  return made;
}

std::string source_label(std::string_view document, std::uint32_t first_line,
                         std::uint32_t last_line) {
  auto label = fold_space(document);
  std::replace(label.begin(), label.end(), '"', '\'');
  return label + " lines " + std::to_string(first_line) + '-' + std::to_string(last_line);
}

std::optional<std::string> readable_text(std::string bytes) {
  if (looks_binary(bytes))
    return std::nullopt;
  std::size_t at = 0;
  for (std::size_t length = 1; at < bytes.size() && length > 0; at += length)
    length = character_length(bytes, at);
  if (at >= bytes.size())
    return bytes;
  std::string text;
  text.reserve(bytes.size() + bytes.size() / 8);
  for (at = 0; at < bytes.size();) {
    auto length = character_length(bytes, at);
    if (length > 0) {
      text.append(bytes, at, length);
      at += length;
      continue;
    }
    auto latin = static_cast<unsigned char>(bytes[at++]);
    text += static_cast<char>(0xc0 | latin >> 6);
    text += static_cast<char>(0x80 | (latin & 0x3f));
  }
  return text;
}

std::uint32_t count_lines(std::string_view text) {
  auto breaks = std::count(text.begin(), text.end(), '\n');
  auto rest = !text.empty() && text.back() != '\n' ? 1 : 0;
  return static_cast<std::uint32_t>(breaks + rest);
}

std::vector<std::size_t> best_scored(std::span<const std::size_t> sizes,
                                     std::span<const double> scores, std::size_t bytes_max) {
  std::vector<std::size_t> order(sizes.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return scores[a] > scores[b]; });
  std::vector<std::size_t> chosen;
  for (auto index : order) {
    if (sizes[index] > bytes_max)
      continue;
    bytes_max -= sizes[index];
    chosen.push_back(index);
  }
  std::sort(chosen.begin(), chosen.end());
  return chosen;
}

std::vector<std::size_t> best_of(std::span<const std::size_t> sizes,
                                 std::span<const std::string_view> texts, std::string_view question,
                                 std::size_t bytes_max) {
  std::vector<double> scores(sizes.size());
  if (std::accumulate(sizes.begin(), sizes.end(), std::size_t{0}) > bytes_max)
    scores = bm25{texts}.score(question);
  return best_scored(sizes, scores, bytes_max);
}

excerpts best_excerpts(excerpts from, std::string_view question, std::size_t bytes_max) {
  std::vector<std::size_t> sizes;
  std::vector<std::string_view> texts;
  for (const auto& one : from) {
    sizes.push_back(size_of(one));
    texts.push_back(one.text());
  }
  auto chosen = best_of(sizes, texts, question, bytes_max);
  if (chosen.size() == sizes.size())
    return from;
  excerpts best;
  for (auto index : chosen)
    best.Add(std::move(from[static_cast<int>(index)]));
  return best;
}

std::string show_passages(const excerpts& shown) {
  std::vector<prompt_passage> passages;
  for (const auto& one : shown)
    passages.push_back({one.source(), one.text()});
  return show_passages(passages);
}

bool says_no_answer(std::string_view answer) {
  auto begin = answer.find_first_not_of(" \t\r\n");
  return begin == std::string_view::npos || answer.substr(begin).starts_with(no_answer_reply);
}

bool stands_in(const excerpts& shown, std::string_view quote) {
  return std::any_of(shown.begin(), shown.end(), [&](const Excerpt& one) {
    return locate_quote(one.text(), quote).has_value();
  });
}

std::string show_size(std::uint64_t bytes) {
  if (bytes < 10'000) {
    auto digits = std::to_string(bytes);
    if (digits.size() > 3)
      digits.insert(digits.size() - 3, ",");
    return digits + (bytes == 1 ? " byte" : " bytes");
  }
  if (bytes < 1'000'000)
    return std::to_string((bytes + 500) / 1000) + " kB";
  auto tenths = (bytes + 50'000) / 100'000;
  return std::to_string(tenths / 10) + '.' + std::to_string(tenths % 10) + " MB";
}

} // namespace troupe
