#include "nodes/simulate/simulated_answer.hpp"

#include "config/base/split_mix.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace troupe {

namespace {

constexpr std::size_t piece_bytes_max = 16;
constexpr std::string_view refused = "I'm sorry, but I can't help with that.";

/// 64 words, so that six bits choose one.
constexpr std::array<std::string_view, 64> words{
    "the",   "a",     "one",   "each",  "some",   "this",   "that",   "every", "small", "large",
    "old",   "new",   "quiet", "clear", "simple", "steady", "open",   "long",  "river", "house",
    "road",  "book",  "stone", "tree",  "lamp",   "table",  "garden", "ship",  "town",  "field",
    "moves", "holds", "keeps", "finds", "gives",  "takes",  "makes",  "shows", "reads", "waits",
    "turns", "grows", "falls", "rests", "near",   "under",  "over",   "after", "with",  "from",
    "into",  "and",   "but",   "then",  "while",  "where",  "still",  "again", "soon",  "often",
    "well",  "there", "here",  "now"};

/// Where the first piece of a text that is not empty ends.
std::size_t piece_end(std::string_view text) {
  auto end = std::min(text.find(' ', 1), text.size());
  if (end <= piece_bytes_max)
    return end;
  end = piece_bytes_max;
  while (end > 1 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80)
    --end; // the first byte of a character is not like that
  return end;
}

/// `count` words, of which each is a piece.
std::string words_of(split_mix& random, std::uint64_t count) {
  std::string text;
  text.reserve(count * 6);
  std::uint64_t bits = 0;
  for (std::uint64_t i = 0; i < count; ++i) {
    if (i % 10 == 0)
      bits = random.next();
    if (i > 0)
      text += ' ';
    text += words[bits & 63];
    bits >>= 6;
  }
  return text;
}

std::string reply_text(const std::string& pattern, const std::string& question) {
  constexpr std::string_view place = "{question}";
  auto at = pattern.find(place);
  if (at == pattern.npos)
    return pattern;
  return pattern.substr(0, at) + question + pattern.substr(at + place.size());
}

/// Which tools are called, and with what.
std::vector<simulated_answer::tool_use> tools_called(const provider_request& asked,
                                                     const behaviour& how) {
  std::vector<simulated_answer::tool_use> called;
  auto call = [&](const offered_tool& tool) { called.push_back({tool.name, tool.arguments}); };
  if (how.tool_calls) {
    for (std::uint64_t i = 0; i < *how.tool_calls; ++i)
      if (asked.tools.empty())
        call({"simulated_tool", "{\"call\":" + std::to_string(i + 1) + "}"});
      else
        call(asked.tools[i % asked.tools.size()]);
    return called;
  }
  using calling = provider_request::tool_calling;
  if (asked.tools.empty() || asked.tool_choice == calling::none)
    return called;
  for (const auto& tool : asked.tools) {
    bool wanted = asked.tool_choice == calling::must
                      ? asked.tool_forced.empty() || tool.name == asked.tool_forced
                      : !asked.answers_tool && asked.question.find(tool.name) != std::string::npos;
    if (wanted && (called.empty() || (asked.parallel_tools && asked.tool_choice != calling::must)))
      call(tool);
  }
  return called;
}

std::uint64_t tokens_wanted(const behaviour& how, split_mix& random) {
  auto [low, high] = how.output_tokens.value_or(
      std::pair{limits::simulate_output_tokens_min, limits::simulate_output_tokens_usual_max});
  return low + random.next() % (high - low + 1);
}

/// Ends the text where one of the request's stops begins.
void stop_at(simulated_answer::choice& made, const std::vector<std::string>& stops) {
  for (const auto& stop : stops)
    if (auto at = made.text.find(stop); !stop.empty() && at != made.text.npos) {
      made.text.resize(at);
      made.ends = simulated_answer::end::stop_text;
      made.stop = stop;
    }
}

/// Ends the text after that many pieces.
void shorten(simulated_answer::choice& made, std::uint64_t tokens) {
  auto pieces = token_pieces(made.text);
  if (pieces.size() <= tokens)
    return;
  made.text.resize(static_cast<std::size_t>(pieces[tokens].data() - made.text.data()));
  made.ends = simulated_answer::end::length;
}

void say(simulated_answer::choice& made, const provider_request& asked, const behaviour& how,
         split_mix& random) {
  auto wanted = tokens_wanted(how, random);
  made.tools = how.refusal ? std::vector<simulated_answer::tool_use>{} : tools_called(asked, how);
  if (how.refusal) {
    made.text = refused;
    made.ends = simulated_answer::end::refusal;
  } else if (!made.tools.empty()) {
    made.ends = simulated_answer::end::tool_calls;
  } else if (how.reply) {
    made.text = reply_text(*how.reply, asked.question);
  } else if (!asked.json_answer.empty()) {
    made.text = asked.json_answer;
  } else if (auto most = asked.tokens_max.value_or(wanted); wanted > most) {
    made.text = words_of(random, most);
    made.ends = simulated_answer::end::length;
  } else {
    made.text = words_of(random, wanted);
  }
  if (!asked.stops.empty())
    stop_at(made, asked.stops);
  if (asked.tokens_max && made.text.size() > *asked.tokens_max)
    shorten(made, *asked.tokens_max);
}

} // namespace

std::vector<std::string_view> token_pieces(std::string_view text) {
  std::vector<std::string_view> pieces;
  while (!text.empty()) {
    pieces.push_back(text.substr(0, piece_end(text)));
    text.remove_prefix(pieces.back().size());
  }
  return pieces;
}

std::uint64_t count_pieces(std::string_view text) {
  std::uint64_t count = 0;
  while (!text.empty()) {
    text.remove_prefix(piece_end(text));
    ++count;
  }
  return count;
}

simulated_answer answer_of(const provider_request& asked, const behaviour& how,
                           std::uint64_t seed) {
  simulated_answer made;
  made.input_tokens = asked.input_tokens;
  if (how.cached_share)
    made.cached_tokens =
        static_cast<std::uint64_t>(static_cast<double>(asked.input_tokens) * *how.cached_share);
  split_mix random{seed ^ asked.hash_lo ^ (asked.hash_hi << 1)};
  for (std::uint64_t i = 0; i < asked.choices; ++i) {
    auto& one = made.choices.emplace_back();
    if (asked.thinks) {
      one.thought = words_of(random, tokens_wanted({}, random));
      made.reasoning_tokens += count_pieces(one.thought);
    }
    say(one, asked, how, random);
    made.output_tokens += count_pieces(one.text);
    for (const auto& tool : one.tools)
      made.output_tokens += count_pieces(tool.name) + count_pieces(tool.arguments);
  }
  made.output_tokens += made.reasoning_tokens;
  return made;
}

std::vector<float> vector_of(std::uint64_t text_hash, std::size_t dimensions, std::uint64_t seed) {
  std::vector<float> made(dimensions);
  split_mix random{seed ^ text_hash};
  double square = 0;
  for (auto& x : made) {
    x = static_cast<float>(static_cast<double>(random.next() >> 11) * 0x1p-52 - 1);
    square += static_cast<double>(x) * static_cast<double>(x);
  }
  auto scale = static_cast<float>(1 / std::sqrt(square));
  for (auto& x : made)
    x *= scale;
  return made;
}

} // namespace troupe
