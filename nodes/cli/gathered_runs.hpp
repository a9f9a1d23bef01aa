#pragma once

#include "messages/cluster.pb.h"
#include "messages/runs.pb.h"
#include "nodes/cli/find_cluster.hpp"
#include "nodes/cli/run_watch.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

/// Which durable runs there are: each node's coordinator is asked for those that it owns.
namespace troupe::cli {

/// A run and its owner.
struct owned_run {
  RunSummary summary;
  node_id owner;
  std::string owner_name;
};

/// A node that did not answer, and why.
struct silent_node {
  std::string name;
  std::string why;
};

struct gathered_runs {
  std::vector<owned_run> runs; ///< those that go on first, then the latest
  std::vector<silent_node> silent;
  bool more = false; ///< there are more runs than were asked for
};

/// Asks all nodes at once, and waits for their answers, or until it knows of `enough` runs. Fails
/// if the link is lost or the command is interrupted.
cli_result<gathered_runs> gather_runs(attached_client& cluster, const RunsAsked& wanted,
                                      std::chrono::milliseconds at_most,
                                      std::size_t enough = SIZE_MAX);

/// The order of a list, cut to `at_most` runs.
void put_in_order(gathered_runs& found, std::size_t at_most);

/// The only run whose id begins so. Wrong: no hex digits, none or several such runs, or none on
/// those nodes that answered.
cli_result<owned_run> find_run(attached_client& cluster, const std::string& prefix);

/// The same, of what was gathered.
cli_result<owned_run> only_run(const gathered_runs& found, const std::string& prefix);

/// In lower case; nothing if it cannot be the beginning of an id.
std::optional<std::string> id_prefix(std::string_view text);

/// One question to the coordinator that owns a run, and its answer.
template <class Answer, class Question>
cli_result<Answer> ask_owner(attached_client& cluster, const owned_run& run, Question question,
                             std::chrono::milliseconds at_most) {
  auto reply = cluster.link->request(make_envelope(message_kind::request,
                                                   address::of(service::coordinator, run.owner),
                                                   std::move(question)),
                                     at_most);
  auto why = reply ? failure_in(*reply) : std::optional{reply.error()};
  if (why)
    return unexpected{error_of(*why)};
  if (auto answer = reply->body.template as<Answer>())
    return std::move(*answer);
  return unexpected{error_of(failure{ec::bad_message, "the answer of " + run.owner_name
                                                          + " about a run could not be read"})};
}

/// The node that accepts runs with this key, the same for all clients: by rendezvous hashing over
/// all members, up or not, so that a key is accepted once, whichever node a client is attached to.
run_place owner_of_key(const std::string& key, const Welcome& members, run_place otherwise);

} // namespace troupe::cli
