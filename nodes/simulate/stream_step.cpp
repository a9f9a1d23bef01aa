#include "nodes/simulate/stream_step.hpp"

namespace troupe {

namespace {

using event = stream_step::event;

class step_list {
public:
  void add(event what, std::uint32_t tokens = 0, std::string_view piece = {}) {
    steps_.push_back({what, choice, block, tool, tokens, piece});
  }
  void add_pieces(event what, std::string_view text) {
    for (auto piece : token_pieces(text))
      add(what, 1, piece);
  }
  std::vector<stream_step> take() { return std::move(steps_); }

  std::uint32_t choice = 0, block = 0, tool = 0;

private:
  std::vector<stream_step> steps_;
};

} // namespace

std::vector<stream_step> steps_of(const simulated_answer& answer) {
  step_list list;
  for (const auto& one : answer.choices) {
    list.block = list.tool = 0;
    list.add(event::begin);
    if (!one.thought.empty()) {
      list.add(event::thought_begin);
      list.add_pieces(event::thought, one.thought);
      list.add(event::thought_end);
      ++list.block;
    }
    if (!one.text.empty()) {
      list.add(event::text_begin);
      list.add_pieces(event::text, one.text);
      list.add(event::text_end);
      ++list.block;
    }
    for (const auto& tool : one.tools) {
      list.add(event::tool_begin, static_cast<std::uint32_t>(count_pieces(tool.name)), tool.name);
      list.add_pieces(event::tool, tool.arguments);
      list.add(event::tool_end);
      ++list.block;
      ++list.tool;
    }
    list.add(event::end);
    ++list.choice;
  }
  list.add(event::usage);
  list.add(event::done);
  return list.take();
}

} // namespace troupe
