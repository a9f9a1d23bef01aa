#include "persistence/open_messages.hpp"

#include <algorithm>
#include <utility>

namespace troupe {

namespace {

void put_step(StepRecord step, google::protobuf::RepeatedPtrField<StepRecord>& into) {
  auto at = std::find_if(into.begin(), into.end(),
                         [&](const auto& one) { return one.number() >= step.number(); });
  if (at != into.end() && at->number() == step.number()) {
    *at = std::move(step);
    return;
  }
  auto place = at - into.begin();
  *into.Add() = std::move(step);
  std::rotate(into.begin() + place, into.end() - 1, into.end());
}

} // namespace

void open_messages::add(StepsMade made) {
  auto is_same = [&](const StepsMade& one) {
    return one.message().session() == made.message().session()
           && one.message().number() == made.message().number();
  };
  auto found = std::find_if(all_.begin(), all_.end(), is_same);
  if (found == all_.end())
    found = all_.emplace(all_.end());
  auto& steps = *found->mutable_steps();
  if (auto from = made.message().replaces_from(); from > 0)
    steps.erase(std::find_if(steps.begin(), steps.end(),
                             [from](const auto& one) { return one.number() >= from; }),
                steps.end());
  *found->mutable_message() = std::move(*made.mutable_message());
  found->mutable_message()->clear_replaces_from();
  for (auto& step : *made.mutable_steps())
    put_step(std::move(step), steps);
}

void open_messages::settle(const google::protobuf::RepeatedPtrField<MessageKey>& which) {
  std::erase_if(all_, [&](const StepsMade& one) {
    return names_message(which, one.message().session(), one.message().number());
  });
}

bool names_message(const google::protobuf::RepeatedPtrField<MessageKey>& all, std::uint64_t session,
                   std::uint64_t number) {
  return std::any_of(all.begin(), all.end(), [&](const auto& one) {
    return one.session() == session && one.number() == number;
  });
}

} // namespace troupe
