#pragma once

#include "nodes/simulate/simulated_answer.hpp"

#include <cstdint>
#include <string_view>
#include <vector>

namespace troupe {

/// One event of a stream. The dialects write some kinds and leave others out.
struct stream_step {
  enum class event : std::uint8_t {
    begin,         ///< of a choice
    thought_begin, ///< a block of what is thought
    thought,       ///< a piece of it
    thought_end,
    text_begin,
    text,
    text_end,
    tool_begin, ///< a call of a tool, with its name
    tool,       ///< a piece of its arguments
    tool_end,
    end,   ///< of a choice, with the reason
    usage, ///< of the whole answer
    done,  ///< of the stream
  };
  event what = event::begin;
  std::uint32_t choice = 0;
  std::uint32_t block = 0; ///< within the choice: thought, text and tools are counted
  std::uint32_t tool = 0;  ///< within the choice
  std::uint32_t tokens = 0;
  std::string_view piece; ///< a view of the answer
};

/// How the answer is delivered as a stream. The answer must outlive the steps.
std::vector<stream_step> steps_of(const simulated_answer& answer);

/// Of what both dialects write.
struct answer_label {
  std::string id;           ///< unique, without the dialect's prefix
  std::int64_t created = 0; ///< seconds since 1970
};

} // namespace troupe
