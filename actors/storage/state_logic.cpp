#include "actors/storage/state_logic.hpp"

#include "actors/unread.hpp"
#include "config/limits/messages.hpp"
#include "config/limits/work.hpp"
#include "messages/agents.pb.h"

#include <optional>

namespace troupe {

namespace {

constexpr std::string_view component = "state";

std::optional<failure> check_agent(const std::string& agent) {
  if (agent.empty() || agent.size() > limits::agent_name_bytes_max)
    return failure{ec::invalid_argument, "an agent's name has 1 to "
                                             + std::to_string(limits::agent_name_bytes_max)
                                             + " bytes, this one " + std::to_string(agent.size())};
  return std::nullopt;
}

envelope refuse(step_context& context, const envelope& request, const failure& why) {
  context.out.log(log_level::error, component, why.message, request.trace.trace);
  return reply_failure(request, why);
}

} // namespace

void state_logic::step(step_context& context, event input) {
  auto request = std::get_if<envelope>(&input);
  if (!request)
    return;
  if (request->kind != message_kind::request)
    return not_taken(context, "service state", *request);
  if (auto wanted = request->body.as<SnapshotGet>())
    context.out.send(get(context, *request, *wanted));
  else if (auto given = request->body.as<SnapshotPut>())
    context.out.send(put(context, *request, *given));
  else if (auto asked = request->body.as<BlobsNamed>())
    context.out.send(named(context, *request, *asked));
  else
    not_taken(context, "service state", *request);
}

envelope state_logic::get(step_context& context, const envelope& request,
                          const SnapshotGet& wanted) {
  if (auto wrong = check_agent(wanted.agent()))
    return reply_failure(request, *std::move(wrong));
  auto read = store_->get(wanted.agent());
  if (!read)
    return refuse(context, request, std::move(read).error());
  context.out.debug(
      component,
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
  return reply_to(request, std::move(found));
}

envelope state_logic::put(step_context& context, const envelope& request,
                          const SnapshotPut& given) {
  if (auto wrong = check_agent(given.agent()))
    return reply_failure(request, *std::move(wrong));
  auto size = given.snapshot().state().size();
  if (size > limits::agent_state_bytes_max)
    return reply_failure(request,
                         {ec::too_large, "the state of " + given.agent() + " has "
                                             + std::to_string(size) + " bytes, at most "
                                             + std::to_string(limits::agent_state_bytes_max)
                                             + " are kept: put large things into blobs"});
  std::vector<std::string> blobs(given.blobs().begin(), given.blobs().end());
  auto written = store_->put(given.agent(), given.snapshot(), blobs);
  if (!written && store_->broken() && disk_failed_)
    disk_failed_(written.error());
  if (!written)
    return refuse(context, request, std::move(written).error());
  context.out.debug(
      component,
      [&] {
        return "has written the state of " + given.agent() + ": version "
               + std::to_string(given.snapshot().version()) + " of " + std::to_string(size)
               + " bytes, which names " + std::to_string(given.blobs_size()) + " blobs";
      },
      request.trace.trace);
  if (!written->empty()) {
    BlobsHeld released;
    for (auto& hash : *written)
      released.add_sha256(std::move(hash));
    auto news = make_envelope(message_kind::event, address::of(service::blobs, self_.node),
                              std::move(released));
    news.sender = self_;
    context.out.send(std::move(news));
  }
  SnapshotWritten done;
  done.set_version(given.snapshot().version());
  return reply_to(request, std::move(done));
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
