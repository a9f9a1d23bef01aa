#include "nodes/cli/gathered_runs.hpp"

#include "actors/cluster/member_view.hpp"
#include "config/limits/links.hpp"
#include "nodes/exit_codes.hpp"

#include <algorithm>
#include <map>
#include <tuple>

namespace troupe::cli {

using namespace std::chrono_literals;

namespace {

constexpr auto answers_patience = 3s;     ///< for the answers of all nodes
constexpr std::size_t candidates_max = 5; ///< of an id that begins several, in its error
constexpr std::size_t id_digits = 32;

std::map<node_id, std::string> nodes_of(const Welcome& welcome) {
  std::map<node_id, std::string> names;
  names[node_from_bytes(welcome.node().id())] = welcome.node().name();
  for (const auto& member : welcome.members())
    names[node_from_bytes(member.info().id())] = member.info().name();
  return names;
}

struct asked_node {
  node_id id;
  std::string name;
};

void take_answer(gathered_runs& found, const asked_node& from, envelope& reply) {
  if (auto why = failure_in(reply)) {
    // A question changes nothing: it may be asked again, whether it came there or not.
    bool was_cut = why->code == ec::outcome_unknown;
    found.silent.push_back({from.name, was_cut ? "its link broke: try again" : why->message});
    return;
  }
  auto answer = reply.body.as<RunsFound>();
  if (!answer) {
    found.silent.push_back({from.name, "its answer could not be read"});
    return;
  }
  found.more |= answer->more();
  for (auto& run : *answer->mutable_runs())
    found.runs.push_back({std::move(run), from.id, from.name});
}

std::string silent_text(const std::vector<silent_node>& silent) {
  std::string text;
  for (const auto& node : silent)
    text += (text.empty() ? "" : "; ") + node.name + " did not answer: " + node.why;
  return text;
}

} // namespace

cli_result<gathered_runs> gather_runs(attached_client& cluster, const RunsAsked& wanted,
                                      std::chrono::milliseconds at_most, std::size_t enough) {
  using clock = std::chrono::steady_clock;
  auto deadline = clock::now() + at_most + limits::late_answer_max;
  gathered_runs found;
  std::map<message_id, asked_node> asked;
  for (const auto& [id, called] : nodes_of(cluster.link->welcome())) {
    auto question = make_envelope(message_kind::request, address::of(service::coordinator, id),
                                  RunsAsked(wanted));
    question.remaining = at_most;
    auto sent = cluster.link->send(std::move(question), at_most);
    if (!sent)
      return unexpected{error_of(sent.error())};
    asked.emplace(*sent, asked_node{id, called});
  }
  while (!asked.empty() && found.runs.size() < enough) {
    auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - clock::now());
    auto next = cluster.link->receive(std::max(left, 0ms));
    if (!next)
      return unexpected{error_of(next.error())};
    if (!*next)
      break;
    auto from = asked.find((*next)->id);
    if (from == asked.end() || (*next)->kind != message_kind::reply)
      continue;
    take_answer(found, from->second, **next);
    asked.erase(from);
  }
  if (found.runs.size() < enough)
    for (const auto& [id, node] : asked)
      found.silent.push_back({node.name, "it is too slow"});
  return found;
}

void put_in_order(gathered_runs& found, std::size_t at_most) {
  auto rank = [](const owned_run& run) {
    return std::tuple{run.summary.phase() != RUN_GOES_ON, -run.summary.accepted_ms(),
                      run.summary.run()};
  };
  std::sort(found.runs.begin(), found.runs.end(),
            [&](const owned_run& a, const owned_run& b) { return rank(a) < rank(b); });
  if (found.runs.size() <= at_most)
    return;
  found.runs.resize(at_most);
  found.more = true;
}

std::optional<std::string> id_prefix(std::string_view text) {
  std::string prefix;
  for (char c : text)
    prefix += c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c;
  bool fits = !prefix.empty() && prefix.size() <= id_digits
              && prefix.find_first_not_of("0123456789abcdef") == std::string::npos;
  return fits ? std::optional{prefix} : std::nullopt;
}

cli_result<owned_run> only_run(const gathered_runs& found, const std::string& prefix) {
  if (found.runs.size() == 1)
    return found.runs.front();
  if (found.runs.empty() && !found.silent.empty())
    return unexpected{cli_error{exit_unavailable, "unavailable",
                                "no run " + prefix + " on the nodes that answered; "
                                    + silent_text(found.silent)}};
  if (found.runs.empty())
    return unexpected{cli_error{exit_failed, "not_found",
                                "there is no run " + prefix
                                    + ": `troupe runs` lists those that are kept; runs that are "
                                      "not durable are not"}};
  std::string text = "several runs begin with " + prefix + ":";
  for (std::size_t i = 0; i < std::min(found.runs.size(), candidates_max); ++i)
    text += (i == 0 ? " " : ", ") + to_string(run_from_bytes(found.runs[i].summary.run())) + " ("
            + found.runs[i].summary.graph() + ")";
  if (found.runs.size() > candidates_max)
    text += " and " + std::to_string(found.runs.size() - candidates_max) + " more";
  return unexpected{usage_error(text + "; give more of the id")};
}

cli_result<owned_run> find_run(attached_client& cluster, const std::string& prefix) {
  auto digits = id_prefix(prefix);
  if (!digits)
    return unexpected{usage_error("\"" + prefix
                                  + "\" is no run: write its id, or how it begins, as "
                                    "`troupe runs` shows it")};
  RunsAsked wanted;
  wanted.set_prefix(*digits);
  wanted.set_at_most(candidates_max + 1);
  bool whole = digits->size() == id_digits; // then there is no other
  auto found = gather_runs(cluster, wanted, answers_patience, whole ? 1 : SIZE_MAX);
  if (!found)
    return unexpected{found.error()};
  return only_run(*found, *digits);
}

run_place owner_of_key(const std::string& key, const Welcome& members, run_place otherwise) {
  member_view view;
  auto names = nodes_of(members);
  for (const auto& [id, called] : names) {
    auto& one = view.members.emplace_back();
    one.id = id;
  }
  otherwise.owner = home_of(name{key}, view);
  otherwise.owner_name = names[otherwise.owner];
  return otherwise;
}

} // namespace troupe::cli
