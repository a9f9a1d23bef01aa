#include "actors/agents/step_history.hpp"

#include "config/base/hex.hpp"
#include "messages/models.pb.h"
#include "persistence/sha256.hpp"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include <algorithm>

namespace troupe {

namespace {

/// "chat gpt-5, 0123456789abcdef": two prompts for one model differ in their hashes alone.
std::string shown(const StepRecord& step) { return step.what() + ", " + to_hex(step.asked()); }

} // namespace

step_history::step_history(google::protobuf::RepeatedPtrField<StepRecord> recorded) {
  for (auto& step : recorded) {
    auto number = step.number();
    if (step.kind() != 0)
      turns_.emplace(step.heard(), turn{number, turn::phase::not_asked});
    last_place_ = std::max(last_place_, step.heard());
    recorded_[number] = std::move(step);
  }
}

std::uint64_t step_history::hash_of(payload_kind kind, const google::protobuf::Message& asked) {
  // What a provider may keep is not what is asked: versions may mark it otherwise.
  if (auto call = dynamic_cast<const ModelRequest*>(&asked);
      call && std::any_of(call->messages().begin(), call->messages().end(), [](const auto& one) {
        return one.fixed_bytes() != 0;
      })) {
    auto without = *call;
    for (auto& message : *without.mutable_messages())
      message.clear_fixed_bytes();
    return hash_of(kind, without);
  }
  auto number = static_cast<std::uint16_t>(kind);
  std::string bytes{static_cast<char>(number >> 8), static_cast<char>(number & 0xff)};
  {
    google::protobuf::io::StringOutputStream to{&bytes};
    google::protobuf::io::CodedOutputStream out{&to};
    out.SetSerializationDeterministic(true);
    asked.SerializeToCodedStream(&out);
  }
  return short_sha256(bytes);
}

bool step_history::may_pass(ec code) {
  return info(code).may_retry || code == ec::timed_out || code == ec::cancelled
         || code == ec::outcome_unknown;
}

step_history::entry step_history::ask(std::uint64_t asked, std::string what) {
  auto number = static_cast<std::uint32_t>(asked_.size() + 1);
  auto& step = asked_.emplace_back();
  step.set_number(number);
  step.set_asked(asked);
  step.set_what(std::move(what));
  step.set_heard(heard_);
  auto found = recorded_.find(number);
  if (found == recorded_.end())
    return {number, course::begin};
  if (found->second.asked() != asked)
    return {number, course::differs};
  if (found->second.kind() == 0)
    return {number, found->second.unknown() ? course::unknown : course::begin};
  turn_of(number).now = turn::phase::ready;
  return {number, course::known};
}

std::vector<StepRecord> step_history::begin(std::uint32_t number) const {
  auto records = unrecorded_;
  records.push_back(asked_[number - 1]);
  return records;
}

void step_history::has_begun(std::uint32_t number) {
  auto place = asked_[number - 1].heard();
  std::erase_if(unrecorded_, [place](const auto& one) { return one.heard() <= place; });
}

StepRecord step_history::end(std::uint32_t number, payload_kind kind, std::string outcome) {
  turns_.emplace(++last_place_, turn{number, turn::phase::unrecorded});
  auto record = asked_[number - 1];
  record.set_kind(static_cast<std::uint32_t>(kind));
  record.set_outcome(std::move(outcome));
  record.set_heard(last_place_);
  return record;
}

step_history::turn& step_history::turn_of(std::uint32_t number) {
  return std::find_if(turns_.begin(), turns_.end(),
                      [number](const auto& one) { return one.second.number == number; })
      ->second;
}

void step_history::may_hear(std::uint32_t number) { turn_of(number).now = turn::phase::ready; }

std::optional<std::uint32_t> step_history::read_ended() {
  if (!turns_.empty() && turns_.begin()->first <= heard_ + 1) {
    turns_.emplace(++last_place_, turn{});
    return last_place_;
  }
  last_place_ = std::max(last_place_, ++heard_);
  return std::nullopt;
}

std::optional<step_history::heard> step_history::next_heard(bool still_reads) {
  for (auto at = turns_.begin(); at != turns_.end(); ++at) {
    auto [place, one] = *at;
    if (one.now == turn::phase::unrecorded)
      return std::nullopt;
    if (place > heard_ + 1 && still_reads)
      return std::nullopt;
    if (one.now == turn::phase::not_asked)
      continue;
    turns_.erase(at);
    heard_ = std::max(heard_, place);
    return heard{place, one.number};
  }
  return std::nullopt;
}

std::string step_history::title_of(std::uint32_t number) const {
  return "step " + std::to_string(number) + " (" + asked_[number - 1].what() + ")";
}

StepRecord step_history::take_recorded(std::uint32_t number) {
  return std::move(recorded_.at(number));
}

failure step_history::difference(std::uint32_t number) const {
  return {ec::nondeterminism, "step " + std::to_string(number)
                                  + " is not what it was in an earlier attempt: "
                                    "recorded is "
                                  + shown(recorded_.at(number)) + ", asked was "
                                  + shown(asked_[number - 1])
                                  + "; a mind must ask the same when it hears the same"};
}

failure step_history::not_again(std::uint32_t number) const {
  return {ec::outcome_unknown,
          title_of(number)
              + " was on its way when its attempt was lost: nobody knows what "
                "came of it, and its role does not ask again (on_unknown: fail)"};
}

void step_history::forget_from(std::uint32_t number) {
  recorded_.erase(recorded_.lower_bound(number), recorded_.end());
  std::erase_if(turns_, [number](const auto& one) { return one.second.number >= number; });
  last_place_ = std::max(heard_, turns_.empty() ? 0 : turns_.rbegin()->first);
}

std::optional<failure> step_history::left_out() const {
  auto next = recorded_.upper_bound(static_cast<std::uint32_t>(asked_.size()));
  if (next == recorded_.end())
    return std::nullopt;
  return failure{ec::nondeterminism, "step " + std::to_string(next->first)
                                         + " of an earlier attempt is left out: "
                                           "recorded is "
                                         + shown(next->second)
                                         + ", asked was nothing; a mind must ask the same when it "
                                           "hears the same"};
}

} // namespace troupe
