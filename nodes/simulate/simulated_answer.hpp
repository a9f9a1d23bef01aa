#pragma once

#include "nodes/simulate/behaviour.hpp"
#include "nodes/simulate/provider_request.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace troupe {

/// What a model says to one request, before it is written in a provider's form. It follows from the
/// seed and the request's hash: the same question gets the same answer.
struct simulated_answer {
  enum class end : std::uint8_t {
    stop,       ///< it has said everything
    length,     ///< `tokens_max` were not enough
    stop_text,  ///< one of the request's stops came
    tool_calls, ///< it waits for the results of tools
    refusal,    ///< it declines
  };
  struct tool_use {
    std::string name;
    std::string arguments; ///< a JSON object
  };
  struct choice {
    std::string thought; ///< before the text
    std::string text;
    std::vector<tool_use> tools;
    end ends = end::stop;
    std::string stop; ///< the one that came
  };

  std::vector<choice> choices;
  std::uint64_t input_tokens = 0;
  std::uint64_t cached_tokens = 0;        ///< of the input: read from the cache
  std::uint64_t cache_written_tokens = 0; ///< of the input: written into Anthropic's
  std::uint64_t output_tokens = 0;        ///< of all choices, with what was thought
  std::uint64_t reasoning_tokens = 0;     ///< of the output
};

simulated_answer answer_of(const provider_request& request, const behaviour& how,
                           std::uint64_t seed);

/// Cuts a text into the pieces in which a stream delivers it, a token each: a word with the blank
/// before it, at most sixteen bytes, never within a character.
std::vector<std::string_view> token_pieces(std::string_view text);

/// How many pieces that are.
std::uint64_t count_pieces(std::string_view text);

/// The vector that stands for a text: of length one, from its hash.
std::vector<float> vector_of(std::uint64_t text_hash, std::size_t dimensions, std::uint64_t seed);

} // namespace troupe
