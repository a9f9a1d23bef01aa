#include "actors/llm/offline/model_prompt.hpp"

#include "actors/text/characters.hpp"
#include "actors/text/text.hpp"
#include "config/limits/links.hpp"
#include "config/limits/work.hpp"
#include "messages/models.pb.h"

#include <algorithm>
#include <array>
#include <optional>

namespace troupe {

using namespace characters;

namespace {

constexpr std::string_view passage_tag = "passage", source_mark = " source=\"", opening_end = "\">";
/// Larger than any number of tags that a message's text can hold.
constexpr std::size_t passages_marked_max = limits::payload_bytes_max;
constexpr std::string_view question_mark = "Question:";

std::string lower(std::string_view text) {
  std::string made(text);
  std::transform(made.begin(), made.end(), made.begin(), to_lower);
  return made;
}

/// The number that a word or digits express; 0 if there is none.
std::size_t number_in(std::string_view word) {
  constexpr std::array<std::string_view, 11> words{"",    "one",   "two",   "three", "four", "five",
                                                   "six", "seven", "eight", "nine",  "ten"};
  auto found = std::find(words.begin() + 1, words.end(), word);
  if (found != words.end())
    return static_cast<std::size_t>(found - words.begin());
  std::size_t number = 0;
  for (auto c : word) {
    if (!is_digit(c))
      return 0;
    number = std::min<std::size_t>(number * 10 + static_cast<std::size_t>(c - '0'), 1'000'000);
  }
  return number;
}

/// The N of "at most N quotes" or "at most N (short) sentences"; 0 if the line does not say so.
std::size_t at_most_in(std::string_view line) {
  constexpr std::string_view mark = "at most ";
  auto said = lower(line);
  for (auto at = said.find(mark); at != std::string::npos; at = said.find(mark, at + 1)) {
    std::string_view rest = std::string_view(said).substr(at + mark.size());
    auto number = number_in(rest.substr(0, rest.find(' ')));
    auto near = rest.substr(0, 48);
    if (number > 0
        && (near.find("quot") != std::string_view::npos
            || near.find("sentence") != std::string_view::npos))
      return number;
  }
  return 0;
}

/// The number after "passage-" in a tag's name; nothing if `name` is not the name of a passage tag.
bool is_passage_tag(std::string_view called) {
  if (!called.starts_with(passage_tag))
    return false;
  called.remove_prefix(passage_tag.size());
  return called.empty()
         || (called.size() > 1 && called.front() == '-'
             && std::all_of(called.begin() + 1, called.end(), is_digit));
}

/// A line that begins a passage: `<TAG source="SOURCE">`.
struct opening_line {
  std::string_view tag, source;
};

std::optional<opening_line> opening_in(std::string_view line) {
  auto mark = line.find(source_mark);
  if (!line.starts_with('<') || !line.ends_with(opening_end) || mark == std::string_view::npos)
    return std::nullopt;
  auto tag = line.substr(1, mark - 1);
  auto begin = mark + source_mark.size();
  if (!is_passage_tag(tag) || begin + opening_end.size() > line.size())
    return std::nullopt;
  return opening_line{tag, line.substr(begin, line.size() - opening_end.size() - begin)};
}

bool closes(std::string_view line, std::string_view tag) {
  return line.starts_with("</") && line.ends_with('>') && line.substr(2, line.size() - 3) == tag;
}

/// A name for passage tags that is not a tag name in any of the texts.
std::string tag_for(std::span<const prompt_passage> passages) {
  std::vector<std::size_t> taken; // numbers of tags in the texts; 0: without one
  for (const auto& one : passages)
    for (auto at = one.text.find(passage_tag); at != std::string_view::npos;
         at = one.text.find(passage_tag, at + 1)) {
      if (at == 0 || (one.text[at - 1] != '<' && one.text[at - 1] != '/'))
        continue;
      auto rest = one.text.substr(at + passage_tag.size());
      std::size_t number = 0;
      for (std::size_t i = 1; rest.starts_with('-') && i < rest.size() && is_digit(rest[i])
                              && number <= passages_marked_max;
           ++i)
        number = number * 10 + static_cast<std::size_t>(rest[i] - '0');
      taken.push_back(number);
    }
  std::string tag{passage_tag};
  if (taken.empty())
    return tag;
  std::sort(taken.begin(), taken.end());
  std::size_t free = 1;
  for (auto number : taken)
    free += number == free ? 1 : 0;
  return tag + '-' + std::to_string(free);
}

class prompt_reader {
public:
  void read(std::string_view message) {
    for (std::size_t at = 0; at < message.size();) {
      auto end = std::min(message.find('\n', at), message.size());
      take(message.substr(at, end - at), message, at, std::min(end + 1, message.size()));
      at = end + 1;
    }
    if (inside_)
      add(message.substr(begin_)); // never closed: everything that follows
    end_loose(message, message.size());
  }

  std::vector<prompt_passage> passages, loose;
  std::string_view question;
  std::size_t at_most = 0;

private:
  void take(std::string_view line, std::string_view message, std::size_t begin,
            std::size_t behind) {
    auto said = trim(line);
    if (inside_) {
      if (closes(said, tag_)) {
        add(message.substr(begin_, begin - begin_));
        inside_ = false;
      }
      return;
    }
    auto is_opening = opening_in(said);
    auto asks = said.starts_with(question_mark);
    auto bound = asks || is_opening ? 0 : at_most_in(said);
    if (!is_opening && !asks && bound == 0) {
      if (!loose_open_)
        loose_begin_ = begin;
      loose_open_ = true;
      return;
    }
    end_loose(message, begin);
    if (is_opening) {
      source_ = is_opening->source;
      tag_ = is_opening->tag;
      inside_ = true;
      begin_ = behind;
    } else if (asks) {
      question = trim(said.substr(question_mark.size()));
    } else if (at_most == 0) {
      at_most = bound;
    }
  }

  void add(std::string_view text) { passages.push_back({source_, text}); }

  void end_loose(std::string_view message, std::size_t end) {
    if (loose_open_)
      loose.push_back({{}, message.substr(loose_begin_, end - loose_begin_)});
    loose_open_ = false;
  }

  bool inside_ = false, loose_open_ = false;
  std::size_t begin_ = 0, loose_begin_ = 0;
  std::string_view source_, tag_; ///< of the passage that is open
};

/// A message that ends in a question asks it about the text before it.
void take_last_sentence(model_prompt& made) {
  if (made.passages.empty())
    return;
  auto& last = made.passages.back();
  auto sentences = split_sentences(last.text);
  if (sentences.empty() || sentences.back().text.back() != '?')
    return;
  made.question = sentences.back().text;
  last.text = last.text.substr(0, sentences.back().begin);
  if (trim(last.text).empty())
    made.passages.pop_back();
}

} // namespace

std::vector<prompt_passage> passages_in(std::string_view message) {
  prompt_reader found;
  found.read(message);
  return std::move(found.passages);
}

model_prompt read_prompt(const ModelRequest& request) {
  prompt_reader found;
  std::size_t system_bound = 0;
  const ChatMessage* last = nullptr;
  for (const auto& message : request.messages()) {
    if (message.role() == "user")
      last = &message;
    else if (message.role() == "system" && system_bound == 0)
      system_bound = at_most_in(message.content());
  }
  if (last)
    found.read(last->content());
  model_prompt made;
  made.question = found.question;
  if (auto bound = found.at_most > 0 ? found.at_most : system_bound; bound > 0)
    made.at_most = std::min(bound, limits::model_quotes_max);
  if (!found.passages.empty()) {
    made.passages = std::move(found.passages);
    return made;
  }
  made.passages = std::move(found.loose);
  if (made.question.empty())
    take_last_sentence(made);
  return made;
}

std::string passage_block(std::string_view source, std::string_view text, std::string_view tag) {
  std::string block;
  block.reserve(2 * tag.size() + source.size() + text.size() + 32);
  block.append("<").append(tag).append(source_mark).append(source).append(opening_end);
  block.append("\n").append(text);
  if (!text.ends_with('\n'))
    block += '\n';
  return block.append("</").append(tag).append(">\n");
}

std::string show_passages(std::span<const prompt_passage> passages) {
  auto tag = tag_for(passages);
  std::string blocks;
  for (const auto& one : passages)
    blocks += passage_block(one.source, one.text, tag);
  return blocks;
}

} // namespace troupe
