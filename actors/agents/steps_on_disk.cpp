#include "actors/agents/steps_on_disk.hpp"

#include "config/limits/messages.hpp"
#include "config/limits/storage.hpp"

#include <algorithm>
#include <utility>

namespace troupe {

namespace {

void add_key(message_id id, steps_on_disk::message_keys& to) {
  auto key = to.Add();
  key->set_session(id.session.value);
  key->set_number(id.sequence);
}

} // namespace

void steps_on_disk::restore(google::protobuf::RepeatedPtrField<StepsMade>& found, instant now) {
  all_.clear();
  for (auto& one : found) {
    message_id id{session_id{one.message().session()}, one.message().number()};
    auto bytes = one.ByteSizeLong();
    all_.push_back({id, bytes, now, std::move(one)});
  }
}

StepsMade steps_on_disk::take(message_id of) {
  auto found = find(of);
  if (found == all_.end())
    return {};
  auto known = std::exchange(found->recorded, {});
  for (auto& step : *known.mutable_steps())
    step.set_unknown(step.kind() == 0);
  return known;
}

bool steps_on_disk::add(message_id of, std::size_t bytes, instant now, message_keys& settled) {
  auto found = find(of);
  if (found == all_.end())
    found = all_.insert(all_.end(), open_message{of, 0, now, {}});
  found->bytes += bytes;
  found->since = now;
  if (found->bytes > limits::open_messages_bytes_max)
    return false;
  while (all_.size() > limits::open_messages_max
         || this->bytes() > limits::open_messages_bytes_max) {
    auto oldest = std::find_if(all_.begin(), all_.end(), [&](auto& one) { return one.id != of; });
    add_key(oldest->id, settled);
    all_.erase(oldest);
  }
  return true;
}

void steps_on_disk::settle(message_id done, const delivery& known, instant now,
                           message_keys& settled) {
  std::erase_if(all_, [&](const open_message& one) {
    bool goes =
        one.id == done || known.is_settled(one.id) || now - one.since >= limits::replies_kept_time;
    if (goes)
      add_key(one.id, settled);
    return goes;
  });
}

std::size_t steps_on_disk::bytes() const noexcept {
  std::size_t sum = 0;
  for (const auto& one : all_)
    sum += one.bytes;
  return sum;
}

std::vector<steps_on_disk::open_message>::iterator steps_on_disk::find(message_id id) {
  return std::find_if(all_.begin(), all_.end(), [id](const auto& one) { return one.id == id; });
}

} // namespace troupe
