#include "actors/llm/offline/offline_model.hpp"

#include "actors/llm/offline/model_prompt.hpp"
#include "actors/llm/offline/quotation.hpp"
#include "actors/llm/offline/summary.hpp"
#include "actors/text/characters.hpp"
#include "actors/text/tokens.hpp"
#include "messages/models.pb.h"

#include <algorithm>
#include <limits>

namespace troupe {

using namespace characters;

namespace {

/// Appends parts while they fit into the caller's token limit.
class answer_writer {
public:
  explicit answer_writer(std::uint32_t tokens_max)
      : tokens_max_(tokens_max == 0 ? std::numeric_limits<std::uint64_t>::max() : tokens_max) {}

  bool add(std::string_view separator, std::string_view part) {
    auto tokens = count_tokens(part);
    if (full_ || tokens_ + tokens > tokens_max_) {
      full_ = true;
      return false;
    }
    tokens_ += tokens;
    if (!text_.empty())
      text_ += separator;
    text_ += part;
    return true;
  }

  bool fits(std::string_view part) const { return tokens_ + count_tokens(part) <= tokens_max_; }
  void cut() { full_ = true; }

  offline_answer_text finish(std::uint64_t input_tokens) && {
    return {std::move(text_), input_tokens, tokens_, full_ ? "length" : "stop"};
  }

private:
  std::uint64_t tokens_max_, tokens_ = 0;
  std::string text_;
  bool full_ = false;
};

/// As a block of `> ` lines. Indentation is removed: after a blank line it would turn an item into
/// code. Of several blank lines one remains.
std::string quote_block(std::string_view text, std::string_view source) {
  std::string block;
  block.reserve(text.size() + source.size() + 64);
  for (std::size_t at = 0; at < text.size();) {
    auto end = std::min(text.find('\n', at), text.size());
    auto line = trim(text.substr(at, end - at));
    at = end + 1;
    if (line.empty() && block.ends_with(">\n"))
      continue;
    block += line.empty() ? ">" : "> ";
    block.append(line) += '\n';
  }
  return block.append("Source: ").append(source.empty() ? "the message" : source);
}

void write_quotations(const model_prompt& asked, answer_writer& out) {
  auto found = find_evidence(asked.passages, asked.question);
  auto chosen = choose_quotations(found, asked.at_most);
  if (chosen.empty()) {
    out.add("", no_answer);
    return;
  }
  for (const auto& q : chosen) {
    auto source = asked.passages[found.blocks[q.block].passage].source;
    auto part = q;
    auto block = quote_block(text_of(found, part), source);
    while (part.last > part.first && !out.fits(block)) {
      --part.last;
      block = quote_block(text_of(found, part), source);
    }
    if (!out.add("\n\n", block))
      return;
    if (part.last < q.last)
      return out.cut();
  }
}

} // namespace

offline_answer_text offline_answer(const ModelRequest& request) {
  std::uint64_t input_tokens = 0;
  for (const auto& message : request.messages())
    input_tokens += count_tokens(message.content());
  auto asked = read_prompt(request);
  answer_writer out(request.max_output_tokens());
  if (!asked.question.empty())
    write_quotations(asked, out);
  else
    for (const auto& part : summarise(asked.passages, asked.at_most))
      if (!out.add(" ", part))
        break;
  return std::move(out).finish(input_tokens);
}

std::vector<std::string_view> pieces_of(std::string_view text) {
  std::vector<std::string_view> pieces;
  std::size_t begin = 0;
  auto take = [&](std::size_t end) {
    if (end > begin)
      pieces.push_back(text.substr(begin, end - begin));
    begin = end;
  };
  for (std::size_t at = 0; at < text.size(); ++at) {
    auto stop = text[at] == '.' || text[at] == '?' || text[at] == '!';
    if (text[at] == '\n')
      take(at + 1);
    else if (stop && at + 1 < text.size() && text[at + 1] == ' ')
      take(at + 2);
  }
  take(text.size());
  return pieces;
}

} // namespace troupe
