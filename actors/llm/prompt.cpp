#include "actors/llm/prompt.hpp"

#include "actors/llm/characters.hpp"
#include "actors/llm/text.hpp"
#include "config/limits/work.hpp"
#include "messages/models.pb.h"

#include <algorithm>
#include <array>

namespace troupe {

using namespace characters;

namespace {

constexpr std::string_view opening = "<passage source=\"", opening_end = "\">",
                           closing = "</passage>";
constexpr std::string_view question_mark = "Question:";

std::string lower(std::string_view text) {
  std::string made(text);
  std::transform(made.begin(), made.end(), made.begin(), to_lower);
  return made;
}

/// The number that a word or digits say; 0 if they say none.
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

class reader {
public:
  void read(std::string_view message) {
    for (std::size_t at = 0; at < message.size();) {
      auto end = std::min(message.find('\n', at), message.size());
      take(message.substr(at, end - at), message, at, std::min(end + 1, message.size()));
      at = end + 1;
    }
    if (inside_)
      add(message.substr(begin_)); // never closed: all that follows
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
      if (said == closing) {
        add(message.substr(begin_, begin - begin_));
        inside_ = false;
      }
      return;
    }
    auto is_opening = said.starts_with(opening) && said.ends_with(opening_end)
                      && said.size() >= opening.size() + opening_end.size();
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
      source_ = said.substr(opening.size(), said.size() - opening.size() - opening_end.size());
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
  std::string_view source_;
};

/// A message that ends in a question asks it, of what stands before.
void take_last_sentence(prompt& made) {
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

prompt read_prompt(const ModelRequest& request) {
  reader found;
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
  prompt made;
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

std::string passage_block(std::string_view source, std::string_view text) {
  std::string block;
  block.reserve(opening.size() + source.size() + text.size() + 32);
  block.append(opening).append(source).append(opening_end).append("\n").append(text);
  if (!text.ends_with('\n'))
    block += '\n';
  return block.append(closing).append("\n");
}

} // namespace troupe
