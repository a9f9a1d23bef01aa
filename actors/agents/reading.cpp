#include "actors/agents/reading.hpp"

#include "actors/llm/prompt.hpp"
#include "actors/llm/text.hpp"
#include "config/limits/work.hpp"

#include <algorithm>
#include <map>
#include <numeric>
#include <utility>

namespace troupe {

namespace {

/// The length of the UTF-8 character at `at`, or 0 if there is none (overlong forms and surrogates
/// are none; Unicode 15, table 3-7).
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

std::size_t bytes_of(std::span<const excerpt> excerpts) {
  return std::accumulate(
      excerpts.begin(), excerpts.end(), std::size_t{0},
      [](std::size_t sum, const excerpt& e) { return sum + e.text.size() + e.source.size(); });
}

/// The best scored that fit into `bytes_max`, in their order. Equal scores: the earlier.
std::vector<excerpt> best_scored(std::vector<excerpt> from, const std::vector<double>& scores,
                                 std::size_t bytes_max) {
  std::vector<std::size_t> order(from.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return scores[a] > scores[b]; });
  std::vector<bool> chosen(from.size());
  for (auto index : order) {
    auto size = bytes_of({&from[index], 1});
    if (size > bytes_max)
      continue;
    bytes_max -= size;
    chosen[index] = true;
  }
  std::vector<excerpt> best;
  for (std::size_t i = 0; i < from.size(); ++i)
    if (chosen[i])
      best.push_back(std::move(from[i]));
  return best;
}

bm25 index_of(std::span<const excerpt> excerpts) {
  std::vector<std::string_view> texts;
  texts.reserve(excerpts.size());
  for (const auto& one : excerpts)
    texts.push_back(one.text);
  return bm25{texts};
}

/// The words that a document uses most, weighted by how often.
std::vector<bm25::weighted_word> common_words(std::span<const excerpt> excerpts) {
  std::map<std::string, double> counts;
  for (const auto& one : excerpts)
    for (auto& word : words_of(one.text))
      counts[std::move(word)] += 1;
  std::vector<bm25::weighted_word> common;
  common.reserve(counts.size());
  for (auto& [stem, count] : counts)
    common.push_back({stem, count});
  std::stable_sort(common.begin(), common.end(),
                   [](const auto& a, const auto& b) { return a.weight > b.weight; });
  common.resize(std::min(common.size(), limits::central_words_max));
  return common;
}

} // namespace

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

std::string show_passages(std::span<const excerpt> shown) {
  constexpr std::string_view closing = "</passage>";
  std::string block;
  for (const auto& one : shown) {
    // A document that closes the passage itself would speak with the prompt's voice.
    auto text = one.text;
    for (auto at = text.find(closing); at != std::string::npos; at = text.find(closing, at))
      text.insert(at + 1, "\\");
    block += passage_block(one.source, text);
  }
  return block;
}

std::vector<excerpt> best_excerpts(std::vector<excerpt> from, std::string_view question,
                                   std::size_t bytes_max) {
  if (bytes_of(from) <= bytes_max)
    return from;
  auto scores = index_of(from).score(question);
  return best_scored(std::move(from), scores, bytes_max);
}

std::vector<excerpt> cut_document(std::string_view document, std::string_view text) {
  std::vector<excerpt> excerpts;
  for (const auto& part : cut_passages(text, limits::passage_bytes_aim))
    excerpts.push_back({source_label(document, part.first_line, part.last_line),
                        std::string{text.substr(part.begin, part.end - part.begin)}});
  return excerpts;
}

std::vector<excerpt> central_excerpts(std::vector<excerpt> from, std::size_t bytes_max) {
  if (bytes_of(from) <= bytes_max)
    return from;
  auto scores = index_of(from).score(common_words(from));
  // The beginning says what a document is: it comes first with a third of the room.
  auto highest = scores.empty() ? 0.0 : *std::max_element(scores.begin(), scores.end());
  std::size_t beginning = 0;
  for (std::size_t i = 0; i < from.size() && beginning < bytes_max / 3; ++i) {
    beginning += bytes_of({&from[i], 1});
    scores[i] += highest + 1;
  }
  return best_scored(std::move(from), scores, bytes_max);
}

bool says_no_answer(std::string_view answer) {
  auto begin = answer.find_first_not_of(" \t\r\n");
  return begin == std::string_view::npos || answer.substr(begin).starts_with(no_answer_reply);
}

const excerpt* excerpt_with(std::span<const excerpt> shown, std::string_view source,
                            std::string_view quote) {
  const excerpt* found = nullptr;
  for (const auto& one : shown) {
    if (found && one.source != source)
      continue;
    if (!locate_quote(one.text, quote))
      continue;
    if (one.source == source)
      return &one;
    found = &one;
  }
  return found;
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

// -- gathering ------------------------------------------------------------------------------------

commands gathering::begin() {
  commands todo;
  while (asked_ < std::min(documents_.size(), limits::documents_fetched_at_once_max))
    todo.push_back(fetch_next());
  return todo;
}

command gathering::fetch_next() {
  auto index = asked_++;
  return fetch_blob{static_cast<std::uint32_t>(index), documents_[index]};
}

commands gathering::take(blob_fetched fetched) {
  if (fetched.request >= documents_.size())
    return {};
  ++taken_;
  const auto& document = documents_[fetched.request];
  auto text =
      fetched.error.code == ec::none ? readable_text(std::move(fetched.bytes)) : std::nullopt;
  if (fetched.error.code != ec::none) {
    unread_.push_back({document.name(), std::move(fetched.error)});
  } else if (!text) {
    unread_.push_back({document.name(), {ec::invalid_argument, "it is no text"}});
  } else {
    auto best = best_excerpts(cut_document(document.name(), *text), question_,
                              limits::prompt_passages_bytes_max);
    kept_bytes_ += bytes_of(best);
    kept_[1 + fetched.request] = std::move(best);
  }
  if (kept_bytes_ > limits::gathered_bytes_max)
    thin_out();
  return asked_ < documents_.size() ? commands{fetch_next()} : commands{};
}

std::vector<excerpt> gathering::all() {
  std::vector<excerpt> together;
  for (auto& some : kept_)
    together.insert(together.end(), std::make_move_iterator(some.begin()),
                    std::make_move_iterator(some.end()));
  return together;
}

void gathering::thin_out() {
  auto best = best_excerpts(all(), question_, limits::gathered_bytes_max / 2);
  kept_.assign(kept_.size(), {});
  kept_bytes_ = bytes_of(best);
  kept_.front() = std::move(best);
}

std::vector<excerpt> gathering::best() {
  return best_excerpts(all(), question_, limits::prompt_passages_bytes_max);
}

} // namespace troupe
