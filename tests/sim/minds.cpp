#include "tests/sim/minds.hpp"

#include "actors/agents/values.hpp"

#include <stdexcept>

namespace troupe::sim {

namespace {

constexpr std::int64_t throws_once_in = 25;
constexpr int unmade_once_in = 60;
constexpr std::uint32_t calls_of_advice = 2;
/// With each text that a keeper has: soon its state is too large to be written whole.
constexpr std::size_t filler_bytes = 500;

std::shared_ptr<role> role_called(const std::string& called) {
  auto made = std::make_shared<role>();
  made->info.set_name(called);
  made->info.set_description("of the simulator");
  made->info.set_model("offline");
  made->mind = called;
  return made;
}

/// The end of a task that asked a model: it fails as the call did, or `answer(reply)` makes its
/// reply.
template <class Answer>
command end_of_call(model_answered& heard, const Answer& answer) {
  if (heard.error.code != ec::none)
    return reply_failed{std::move(heard.error)};
  reply_with back;
  answer(back.reply);
  return back;
}

} // namespace

std::pair<keeper_mind::state, commands> keeper_mind::decide(state&& now,
                                                            mind_event happened) const {
  commands todo;
  if (auto message = std::get_if<message_received>(&happened)) {
    now.told.push_back(std::move(message->text));
    reply_with back;
    back.reply.set_text(std::to_string(now.told.size()));
    todo.emplace_back(std::move(back));
  }
  return {std::move(now), std::move(todo)};
}

std::string keeper_mind::save(const state& now) {
  std::string bytes;
  for (const auto& text : now.told)
    bytes += text + std::string(filler_bytes, ' ') + "\n";
  return bytes;
}

bool keeper_mind::load(state& into, std::string_view bytes) {
  into.told.clear();
  while (!bytes.empty()) {
    auto end = bytes.find('\n');
    if (end == std::string_view::npos)
      return false;
    into.told.emplace_back(bytes.substr(0, bytes.find(' ')));
    bytes.remove_prefix(end + 1);
  }
  return true;
}

std::pair<adviser_mind::state, commands> adviser_mind::decide(state&& now,
                                                              mind_event happened) const {
  commands todo;
  if (auto message = std::get_if<message_received>(&happened)) {
    now.asked = std::move(message->text);
    now.calls = 0;
    todo.emplace_back(next_call(now));
  } else if (auto answered = std::get_if<model_answered>(&happened)) {
    if (answered->error.code == ec::none && now.calls < calls_of_advice)
      todo.emplace_back(next_call(now));
    else
      todo.push_back(end_of_call(*answered, [&](AgentReply& reply) {
        now.known.told.push_back(now.asked);
        reply.set_text(std::to_string(now.known.told.size()) + ": " + answered->answer.text());
      }));
  }
  return {std::move(now), std::move(todo)};
}

ask_model adviser_mind::next_call(state& now) const {
  ask_model ask{++now.calls, {}, now.calls == calls_of_advice, {}};
  ask.call.set_model(model_);
  auto* said = ask.call.add_messages();
  said->set_role("user");
  said->set_content(now.asked + " after " + std::to_string(now.known.told.size()) + ", "
                    + std::to_string(now.calls));
  return ask;
}

std::pair<teller_mind::state, commands> teller_mind::decide(state&&, mind_event happened) const {
  commands todo;
  if (std::holds_alternative<message_received>(happened)) {
    ask_model ask;
    ask.call.set_model("offline");
    auto said = ask.call.add_messages();
    said->set_role("user");
    said->set_content("Question: how many?");
    todo.emplace_back(std::move(ask));
  } else if (auto answered = std::get_if<model_answered>(&happened)) {
    todo.push_back(end_of_call(
        *answered, [&](AgentReply& reply) { *reply.mutable_output() = value_of(++*executions_); }));
  }
  return {state{}, std::move(todo)};
}

std::pair<talker_mind::state, commands> talker_mind::decide(state&&, mind_event happened) const {
  commands todo;
  if (auto message = std::get_if<message_received>(&happened)) {
    ask_model ask{1, {}, true, {}};
    ask.call.set_model(model_);
    auto* said = ask.call.add_messages();
    said->set_role("user");
    said->set_content(message->text);
    todo.emplace_back(std::move(ask));
  } else if (auto answered = std::get_if<model_answered>(&happened)) {
    todo.push_back(end_of_call(
        *answered, [&](AgentReply& reply) { reply.set_text(answered->answer.text()); }));
  }
  return {state{}, std::move(todo)};
}

result<void> quick_mind::answer(const message_received& asked, AgentReply& reply) const {
  auto number = ++answers_->last;
  quick_answers::about what;
  if (asked.is_task) {
    *reply.mutable_output() = value_of(-number);
    what.run = integer_field(asked.input, "run");
    what.item = integer_field(asked.input, "item");
  } else {
    reply.set_text("half of " + std::to_string(number));
    what.text = asked.text;
  }
  if (number % throws_once_in == 0)
    throw std::runtime_error{"this execution of a quick mind throws"};
  answers_->made.emplace(number, std::move(what));
  if (asked.is_task)
    *reply.mutable_output() = value_of(number);
  else
    reply.set_text(std::to_string(number));
  return {};
}

role_table simulated_roles(std::shared_ptr<quick_answers> answers,
                           std::shared_ptr<const chain_listener> listener) {
  auto loaded = load_roles({});
  if (!loaded)
    throw std::runtime_error{to_string(loaded.error())};
  auto roles = std::move(*loaded);
  auto keeper = role_called("keeper");
  keeper->info.set_for_talk(true);
  keeper->info.set_state("durable");
  keeper->durable = true;
  keeper->make = [] { return make_mind<keeper_mind>(); };
  roles["keeper"] = std::move(keeper);
  auto adviser = role_called("adviser");
  adviser->info.set_model("far/m");
  adviser->info.set_for_talk(true);
  adviser->info.set_state("durable");
  adviser->durable = true;
  adviser->make = [] { return make_mind<adviser_mind>("far/m"); };
  roles["adviser"] = std::move(adviser);
  auto teller = role_called("teller");
  teller->info.set_for_tasks(true);
  teller->info.set_state("none");
  teller->remembers = false;
  teller->make = [executions = std::make_shared<std::int64_t>(0)] {
    return make_mind<teller_mind>(executions);
  };
  roles["teller"] = std::move(teller);
  auto quick = role_called("quick");
  quick->info.set_for_talk(true);
  quick->info.set_for_tasks(true);
  quick->info.set_state("none");
  quick->remembers = false;
  quick->cheap = true;
  quick->make = [answers = std::move(answers), made = std::make_shared<int>(0)] {
    if (++*made % unmade_once_in == 0)
      throw std::runtime_error{"this quick mind cannot be made"};
    return make_mind<quick_mind>(answers);
  };
  roles["quick"] = std::move(quick);
  auto talker = role_called("talker");
  talker->info.set_model("far/m");
  talker->info.set_for_talk(true);
  talker->info.set_state("none");
  talker->remembers = false;
  talker->make = [] { return make_mind<talker_mind>("far/m"); };
  roles["talker"] = std::move(talker);
  auto chain = role_called("chain");
  chain->info.set_model("far/m");
  chain->info.set_for_tasks(true);
  chain->info.set_state("none");
  chain->remembers = false;
  chain->make = [listener = std::move(listener)] { return make_mind<chain_mind>(listener); };
  roles["chain"] = std::move(chain);
  return roles;
}

} // namespace troupe::sim
