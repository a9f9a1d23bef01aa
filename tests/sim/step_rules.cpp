#include "tests/sim/step_rules.hpp"

#include "messages/journal.pb.h"
#include "messages/models.pb.h"
#include "messages/payload_kinds.hpp"

#include <algorithm>
#include <limits>

namespace troupe::sim {

step_rules::step_rules(world& in, const provider_ledger& ledger, complaint wrong)
    : world_(in), ledger_(ledger), wrong_(std::move(wrong)) {}

void step_rules::sees(envelope& message, node_id from) {
  if (auto offer = message.body.as<TaskOffer>())
    see_offer(*offer);
  else if (auto append = message.body.as<JournalAppend>())
    see_append(*append, from);
  else if (auto made = message.body.as<StepsMade>(); made && !made->run().empty())
    told_[message.id] = *made;
  else if (message.body.as<StepsKept>())
    see_kept(message);
  else if (auto call = message.body.as<ModelRequest>(); call && call->messages_size() > 0)
    if (auto question = read_chain_question(call->messages(call->messages_size() - 1).content()))
      see_call(message, *question);
}

void step_rules::see_offer(const TaskOffer& offer) {
  for (const auto& task : offer.tasks()) {
    tasks_[{task.run(), task.id()}] = task.index();
    for (const auto& step : task.steps())
      given_.insert(outcome_in(step));
  }
}

void step_rules::see_append(const JournalAppend& append, node_id from) {
  for (const auto& entry : append.entries()) {
    RunEvent event;
    if (!event.ParseFromString(entry.event()))
      continue;
    if (event.has_resumed()) {
      for (auto& [number, run] : runs_)
        if (run.id == entry.run() && !run.is_synced) {
          run.may_have_lost = true;
          std::erase_if(recorded_, [&id = run.id](const auto& one) { return one.first.run == id; });
        }
    } else if (event.has_began()) {
      const auto& began = event.began();
      auto number = began.inputs().find("run");
      if (number == began.inputs().end())
        continue;
      std::size_t owner = 0;
      while (world_.id(owner) != from)
        ++owner;
      runs_[number->second.integer()] = {entry.run(), began.durability() == DURABILITY_SYNC, false,
                                         owner};
    }
  }
}

std::string step_rules::outcome_in(const StepRecord& step) {
  if (step.kind() == static_cast<std::uint32_t>(payload_kind::Failure))
    return std::string{chain_question::failed};
  ModelAnswer answer;
  if (step.kind() != static_cast<std::uint32_t>(payload_kind::ModelAnswer)
      || !answer.ParseFromString(step.outcome()))
    return {};
  return answer.text();
}

/// Its owner has kept what an agent told it.
void step_rules::see_kept(const envelope& reply) {
  auto found = told_.find(reply.id);
  if (found == told_.end())
    return;
  const auto& made = found->second;
  for (const auto& step : made.steps()) {
    step_key key{made.run(), made.index(), step.number()};
    auto outcome = outcome_in(step);
    if (outcome.empty()) {
      may_call_[{reply.id.session, key}] = !recorded_.contains(key);
    } else if (auto& known = recorded_[key]; known != outcome && !known.empty()) {
      wrong_("the outcome of step " + std::to_string(step.number()) + " of task "
             + std::to_string(made.index()) + " was " + known + " and is " + outcome);
    } else {
      known = outcome;
    }
  }
  told_.erase(found);
}

/// An agent asks its model.
void step_rules::see_call(const envelope& message, const chain_question& question) {
  auto run = runs_.find(question.run);
  if (run == runs_.end() || run->second.may_have_lost)
    return;
  auto task = find_task(run->second.id, question.item);
  if (!task)
    return wrong_("a task was not offered and asks: " + to_string(question));
  auto number = static_cast<std::uint32_t>(question.number());
  step_key key{run->second.id, *task, number};
  auto may = may_call_.extract({message.id.session, key});
  // One that was let through earlier may be late: then its outcome is recorded by another attempt.
  bool made_again = may.empty() ? recorded_.contains(key) : !may.mapped();
  if (made_again)
    wrong_("a call was made again whose outcome is recorded: " + to_string(question));
  else if (may.empty())
    wrong_("a call was made before its owner had recorded that it begins: " + to_string(question));
  for (std::uint32_t before = 1; before < number; ++before)
    check_heard(run->second, question, *task, before);
}

void step_rules::check_heard(const durable_run& run, const chain_question& question,
                             std::uint32_t task, std::uint32_t number) {
  auto known = recorded_.find({run.id, task, number});
  auto outcome = run.is_synced              ? outcome_on_disk(run, task, number)
                 : known == recorded_.end() ? std::string{}
                                            : known->second;
  if (outcome != question.heard[number - 1])
    wrong_("a mind has heard what its owner has not recorded of step " + std::to_string(number)
           + (outcome.empty() ? "" : ", which is " + outcome) + ": " + to_string(question));
}

void step_rules::hears(std::int64_t answer) {
  auto call = ledger_.whole_calls.find(answer);
  auto question =
      call == ledger_.whole_calls.end() ? std::nullopt : read_chain_question(call->second.question);
  if (!question)
    return wrong_("a mind has heard " + std::to_string(answer) + ", which no provider has said");
  auto run = runs_.find(question->run);
  if (run == runs_.end() || run->second.may_have_lost || given_.contains(std::to_string(answer)))
    return;
  auto task = find_task(run->second.id, question->item);
  if (!task)
    return; // said when it was asked
  auto number = static_cast<std::uint32_t>(question->number());
  question->heard.push_back(std::to_string(answer));
  check_heard(run->second, *question, *task, number);
}

std::string step_rules::outcome_on_disk(const durable_run& run, std::uint32_t task,
                                        std::uint32_t number) {
  auto& known = read_[run.id];
  auto page = world_.disk_of(run.owner).safe().journal.read(
      run.id, known.events, std::numeric_limits<std::uint64_t>::max());
  for (const auto& bytes : page ? page->events : std::vector<std::string>{}) {
    ++known.events;
    RunEvent event;
    if (event.ParseFromString(bytes) && event.has_step())
      if (auto outcome = outcome_in(event.step().step()); !outcome.empty())
        known.outcomes[{event.step().index(), event.step().step().number()}] = outcome;
  }
  auto found = known.outcomes.find({task, number});
  return found == known.outcomes.end() ? std::string{} : found->second;
}

const std::uint32_t* step_rules::find_task(const std::string& run, std::int64_t item) const {
  auto found = tasks_.find({run, "last[" + std::to_string(item) + "]"});
  return found == tasks_.end() ? nullptr : &found->second;
}

// -- at the end ---------------------------------------------------------------------------------

void step_rules::check_result(std::int64_t run, std::int64_t item, std::int64_t result) const {
  auto title = "item " + std::to_string(item) + " of run " + std::to_string(run)
               + " has the result " + std::to_string(result);
  auto last = ledger_.whole_calls.find(result);
  auto asked =
      last == ledger_.whole_calls.end() ? std::nullopt : read_chain_question(last->second.question);
  if (!asked || !last->second.is_given)
    return wrong_(title + ", which no provider has said");
  if (asked->run != run || asked->item != item)
    return wrong_(title + ", which answers: " + to_string(*asked));
  for (auto heard = asked->heard; !heard.empty();) {
    auto before = std::move(heard.back());
    heard.pop_back();
    if (before == chain_question::failed)
      continue;
    auto call = ledger_.whole_calls.find(std::stoll(before));
    if (call == ledger_.whole_calls.end()
        || call->second.question != to_string(chain_question{run, item, heard}))
      wrong_(title + ", which follows from " + before + ", and that answers something else");
  }
}

void step_rules::check_reported(std::int64_t run, const RunEnded& ended) {
  auto known = runs_.find(run);
  if (known == runs_.end() || !known->second.is_synced)
    return;
  std::map<std::string, std::size_t> paid;
  for (const auto& [number, call] : ledger_.whole_calls)
    if (auto question = read_chain_question(call.question); question && question->run == run)
      paid[call.question] += call.is_given;
  std::size_t again = 0;
  for (const auto& [question, times] : paid)
    again += times > 1 ? times - 1 : 0;
  paid_again_ += again;
  if (again > ended.unknown_steps())
    wrong_("run " + std::to_string(run) + " has paid " + std::to_string(again)
           + " calls again, and reports " + std::to_string(ended.unknown_steps()));
}

} // namespace troupe::sim
