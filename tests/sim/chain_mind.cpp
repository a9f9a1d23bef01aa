#include "tests/sim/chain_mind.hpp"

#include "actors/agents/values.hpp"

#include <algorithm>
#include <sstream>

namespace troupe::sim {

namespace {

command ask(const chain_question& question) {
  ask_model made;
  made.request = static_cast<std::uint32_t>(question.number());
  made.call.set_model("far/m");
  auto* said = made.call.add_messages();
  said->set_role("user");
  said->set_content(to_string(question));
  return made;
}

command answer(std::int64_t number) {
  reply_with made;
  *made.reply.mutable_output() = value_of(number);
  return made;
}

} // namespace

std::string to_string(const chain_question& question) {
  auto text =
      "run " + std::to_string(question.run) + " item " + std::to_string(question.item) + " heard";
  for (const auto& one : question.heard)
    text += " " + one;
  return text;
}

std::optional<chain_question> read_chain_question(std::string_view text) {
  std::istringstream words{std::string{text}};
  std::string run, item, heard, one;
  chain_question made;
  words >> run >> made.run >> item >> made.item >> heard;
  if (!words || run != "run" || item != "item" || heard != "heard")
    return std::nullopt;
  while (words >> one)
    made.heard.push_back(one);
  return made;
}

std::pair<chain_mind::state, commands> chain_mind::decide(state&& now, mind_event happened) const {
  commands todo;
  auto& question = now.next;
  if (auto message = std::get_if<message_received>(&happened)) {
    question = {integer_field(message->input, "run"), integer_field(message->input, "item"), {}};
    todo.push_back(ask(question));
  } else if (auto answered = std::get_if<model_answered>(&happened)) {
    bool failed = answered->error.code != ec::none;
    if (!failed && listener_->hears)
      listener_->hears(std::stoll(answered->answer.text()));
    question.heard.push_back(failed ? std::string{chain_question::failed}
                                    : answered->answer.text());
    auto failures = static_cast<std::size_t>(
        std::count(question.heard.begin(), question.heard.end(), chain_question::failed));
    if (failures > failures_max)
      todo.emplace_back(reply_failed{std::move(answered->error)});
    else if (question.heard.size() - failures < answers_wanted)
      todo.push_back(ask(question));
    else
      todo.push_back(answer(std::stoll(question.heard.back())));
  }
  return {std::move(now), std::move(todo)};
}

} // namespace troupe::sim
