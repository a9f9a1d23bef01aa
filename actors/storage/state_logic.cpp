#include "actors/storage/state_logic.hpp"

#include "actors/storage/free_space.hpp"
#include "actors/unread.hpp"
#include "config/base/count_of.hpp"
#include "config/limits/messages.hpp"
#include "config/limits/storage.hpp"
#include "config/limits/work.hpp"
#include "messages/agents.pb.h"
#include "messages/runs.pb.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace troupe {

namespace {

constexpr std::string_view state_component = "state";

std::optional<failure> check_agent(const std::string& agent) {
  if (agent.empty() || agent.size() > limits::agent_name_bytes_max)
    return failure{ec::invalid_argument, "an agent's name has 1 to "
                                             + std::to_string(limits::agent_name_bytes_max)
                                             + " bytes, this one " + std::to_string(agent.size())};
  return std::nullopt;
}

envelope refuse(step_context& context, const envelope& request, const failure& why) {
  context.out.log(log_level::error, state_component, why.message, request.trace.trace);
  return reply_failure(request, why);
}

std::optional<failure> check_put(const SnapshotPut& given) {
  if (auto wrong = check_agent(given.agent()))
    return wrong;
  auto size = std::max(given.snapshot().state().size(), given.change().inserted().size());
  if (size <= limits::agent_state_bytes_max)
    return std::nullopt;
  return failure{ec::too_large, "the state of " + given.agent() + " has " + std::to_string(size)
                                    + " bytes, at most "
                                    + std::to_string(limits::agent_state_bytes_max)
                                    + " are kept: put large things into blobs"};
}

std::optional<failure> check_steps(const StepsMade& given) {
  if (auto wrong = check_agent(given.message().agent()))
    return wrong;
  if (given.message().session() == 0)
    return failure{ec::invalid_argument, "steps of a message to " + given.message().agent()
                                             + " that is of no session: nobody repeats it"};
  auto size = given.ByteSizeLong();
  if (size <= limits::open_messages_bytes_max)
    return std::nullopt;
  return failure{ec::too_large, "a step of a message to " + given.message().agent() + " has "
                                    + std::to_string(size) + " bytes, at most "
                                    + std::to_string(limits::open_messages_bytes_max)
                                    + " are kept"};
}

/// Whose state or steps these are.
std::string_view agent_of(envelope& request) {
  if (auto steps = request.body.as<StepsMade>())
    return steps->message().agent();
  return request.body.as<SnapshotPut>()->agent();
}

state_write write_of(envelope& request, std::span<const std::string> blobs) {
  if (auto steps = request.body.as<StepsMade>())
    return {steps->message().agent(), Snapshot::default_instance(), {}, nullptr, steps,
            &steps->settled()};
  const auto& given = *request.body.as<SnapshotPut>();
  auto change = given.has_change() ? &given.change() : nullptr;
  return {given.agent(), given.snapshot(), blobs, change, nullptr, &given.settled()};
}

envelope written(step_context& context, envelope& request) {
  if (auto steps = request.body.as<StepsMade>()) {
    context.out.debug(
        state_component,
        [&] {
          return "has written " + count_of(static_cast<std::uint64_t>(steps->steps_size()), "step")
                 + " of " + to_string(session_id{steps->message().session()}) + ":"
                 + std::to_string(steps->message().number()) + " for " + steps->message().agent();
        },
        request.trace.trace);
    return reply_to(request, StepsKept{});
  }
  const auto& given = *request.body.as<SnapshotPut>();
  auto version = given.has_change() ? given.change().version() : given.snapshot().version();
  context.out.debug(
      state_component,
      [&] {
        auto what =
            "has written the state of " + given.agent() + ": version " + std::to_string(version);
        if (given.has_change())
          return what + " by a change of " + std::to_string(given.change().ByteSizeLong())
                 + " bytes";
        return what + " of " + std::to_string(given.snapshot().state().size())
               + " bytes, which names " + std::to_string(given.blobs_size()) + " blobs";
      },
      request.trace.trace);
  SnapshotWritten done;
  done.set_version(version);
  return reply_to(request, std::move(done));
}

} // namespace

void state_logic::step(step_context& context, event input) {
  auto request = std::get_if<envelope>(&input);
  if (!request)
    return;
  if (request->kind != message_kind::request)
    return not_taken(context, "service state", *request);
  if (request->body.as<SnapshotPut>())
    return put(context, std::move(*request));
  if (request->body.as<StepsMade>())
    return put_steps(context, std::move(*request));
  // What was put before is written before it is read. Nobody else's state is: a node's agents load
  // theirs all the time.
  if (auto wanted = request->body.as<SnapshotGet>()) {
    if (is_gathered(wanted->agent()))
      write_gathered(context);
    context.out.send(get(context, *request, *wanted));
  } else if (auto asked = request->body.as<BlobsNamed>()) {
    write_gathered(context);
    context.out.send(named(context, *request, *asked));
  } else {
    not_taken(context, "service state", *request);
  }
}

bool state_logic::is_gathered(std::string_view agent, bool with_steps) {
  return std::any_of(gathered_.begin(), gathered_.end(), [&](envelope& other) {
    return agent_of(other) == agent && (with_steps || other.body.as<SnapshotPut>());
  });
}

envelope state_logic::get(step_context& context, const envelope& request,
                          const SnapshotGet& wanted) {
  if (auto wrong = check_agent(wanted.agent()))
    return reply_failure(request, *std::move(wrong));
  auto read = store_->get(wanted.agent());
  if (!read)
    return refuse(context, request, std::move(read).error());
  context.out.debug(
      state_component,
      [&] {
        return "gives the state of " + wanted.agent() + ": "
               + (*read ? "version " + std::to_string((*read)->version()) + " of "
                              + std::to_string((*read)->state().size()) + " bytes"
                        : "there is none");
      },
      request.trace.trace);
  SnapshotFound found;
  found.set_found(read->has_value());
  if (*read)
    *found.mutable_snapshot() = **std::move(read);
  auto open = store_->open_messages_of(wanted.agent());
  if (!open)
    return refuse(context, request, std::move(open).error());
  for (auto& one : *open)
    *found.add_open() = std::move(one);
  return reply_to(request, std::move(found));
}

void state_logic::put(step_context& context, envelope request) {
  const auto& given = *request.body.as<SnapshotPut>();
  if (auto wrong = check_put(given))
    return context.out.send(reply_failure(request, *wrong));
  if (is_gathered(given.agent()))
    write_gathered(context);
  auto bytes = given.has_change() ? given.change().ByteSizeLong() : given.snapshot().ByteSizeLong();
  gather(context, std::move(request), bytes);
}

void state_logic::put_steps(step_context& context, envelope request) {
  const auto& given = *request.body.as<StepsMade>();
  if (auto wrong = check_steps(given))
    return context.out.send(reply_failure(request, *wrong));
  if (is_gathered(given.message().agent(), false))
    write_gathered(context);
  auto bytes = given.ByteSizeLong();
  gather(context, std::move(request), bytes);
}

void state_logic::gather(step_context& context, envelope request, std::size_t bytes) {
  gathered_bytes_ += bytes;
  gathered_.push_back(std::move(request));
  if (gathered_bytes_ >= limits::state_batch_bytes_max)
    write_gathered(context);
}

void state_logic::write_gathered(step_context& context) {
  auto requests = std::exchange(gathered_, {});
  gathered_bytes_ = 0;
  if (!requests.empty())
    refuse_growth(context, requests);
  if (!requests.empty())
    write(context, requests);
}

/// With little space left, states may change and shrink, but not grow.
void state_logic::refuse_growth(step_context& context, std::vector<envelope>& requests) {
  auto space = check_space_for_new(store_->free_bytes(), free_min_, "fact");
  if (space)
    return;
  std::erase_if(requests, [&](envelope& request) {
    auto given = request.body.as<SnapshotPut>();
    if (!given || !grows(*given))
      return false;
    context.out.send(refuse(context, request, space.error()));
    return true;
  });
}

bool state_logic::grows(const SnapshotPut& given) {
  if (given.has_change())
    return given.change().inserted().size() > given.change().removed();
  auto before = store_->get(given.agent());
  auto bytes = before && *before ? (*before)->state().size() : 0;
  return given.snapshot().state().size() > bytes;
}

void state_logic::write(step_context& context, std::span<envelope> requests) {
  std::vector<std::vector<std::string>> blobs;
  blobs.reserve(requests.size());
  std::vector<state_write> many;
  for (auto& request : requests) {
    auto& named = blobs.emplace_back();
    if (auto given = request.body.as<SnapshotPut>())
      named.assign(given->blobs().begin(), given->blobs().end());
    many.push_back(write_of(request, named));
  }
  auto released = store_->put(many);
  if (!released && !store_->broken() && requests.size() > 1) {
    // Nothing was written. One that cannot be must not keep out the others.
    for (auto& one : requests)
      write(context, {&one, 1});
    return;
  }
  if (!released && store_->broken() && disk_failed_)
    disk_failed_(released.error());
  for (auto& request : requests)
    context.out.send(released ? written(context, request)
                              : refuse(context, request, released.error()));
  if (!released || released->empty())
    return;
  BlobsHeld held;
  for (auto& hash : *released)
    held.add_sha256(std::move(hash));
  auto news =
      make_envelope(message_kind::event, address::of(service::blobs, self_.node), std::move(held));
  news.sender = self_;
  context.out.send(std::move(news));
}

envelope state_logic::named(step_context& context, const envelope& request,
                            const BlobsNamed& asked) {
  BlobsNamed found;
  found.set_unknown(!store_->knows_names());
  for (const auto& hash : asked.sha256()) {
    auto is_named = store_->names(hash);
    if (!is_named)
      return refuse(context, request, std::move(is_named).error());
    if (*is_named)
      found.add_sha256(hash);
  }
  return reply_to(request, std::move(found));
}

} // namespace troupe
