#include "nodes/cli/node_providers.hpp"

#include "config/limits/work.hpp"
#include "nodes/exit_codes.hpp"
#include "telemetry/text_escape.hpp"

#include <chrono>

namespace troupe::cli {

namespace {

/// "12 s ago"
std::string ago(std::int64_t at_ns) {
  auto now = std::chrono::system_clock::now().time_since_epoch();
  auto passed = now - std::chrono::nanoseconds{at_ns};
  return human_duration(std::max(std::chrono::duration_cast<std::chrono::milliseconds>(passed),
                                 std::chrono::milliseconds{0}))
         + " ago";
}

json provider_json(const std::string& node, const ProviderHealth& one) {
  constexpr std::int64_t ns_in_ms = 1'000'000;
  auto keys = json::array();
  for (const auto& key : one.keys_taken_out())
    keys.push_back({{"source", key.source()},
                    {"status", key.status()},
                    {"since_unix_ms", key.since_ns() / ns_in_ms}});
  json made{{"node", node},
            {"provider", one.provider()},
            {"calls_max", one.calls_max()},
            {"running", one.running()},
            {"waiting", one.waiting()},
            {"answered", one.answered()},
            {"failed", one.failed()},
            {"keys_taken_out", std::move(keys)}};
  if (one.last().empty())
    return made;
  made["last"] = one.last();
  made["last_unix_ms"] = one.last_ns() / ns_in_ms;
  made["since_unix_ms"] = one.since_ns() / ns_in_ms;
  if (one.failed() > 0)
    made["last_failure"] = one.words();
  return made;
}

} // namespace

cli_result<std::vector<node_providers>> ask_providers(attached_client& cluster) {
  std::vector<node_providers> all;
  for (const auto& member : cluster.link->welcome().members()) {
    if (member.state() != MEMBER_UP)
      continue;
    auto& one = all.emplace_back();
    one.node = member.info().name();
    auto request = make_envelope(message_kind::request,
                                 address::of(service::models, node_from_bytes(member.info().id())),
                                 ProvidersQuery{});
    auto reply = cluster.link->request(std::move(request), limits::desk_query_timeout);
    if (!reply && reply.error().code == ec::cancelled)
      return unexpected{cli_error{exit_interrupted, "cancelled", "interrupted"}};
    if (!reply) {
      one.why = reply.error();
      continue;
    }
    if (auto* listed = reply->body.as<ProvidersListed>())
      one.listed = std::move(*listed);
    else
      one.why =
          failure_in(*reply).value_or(failure{ec::bad_message, "its answer could not be read"});
  }
  return all;
}

json providers_json(const std::vector<node_providers>& all) {
  auto made = json::array();
  for (const auto& node : all) {
    if (node.why.code != ec::none)
      made.push_back({{"node", node.node}, {"error", to_json(node.why)}});
    for (const auto& one : node.listed.providers())
      made.push_back(provider_json(node.node, one));
  }
  return made;
}

std::string providers_text(const std::vector<node_providers>& all, bool colours) {
  std::vector<std::vector<std::string>> rows{
      {"PROVIDER", "NODE", "RUNNING", "WAITING", "ANSWERED", "FAILED", "LAST CALL"}};
  std::string further;
  for (const auto& node : all) {
    if (node.why.code != ec::none)
      further += one_line(node.node) + ": " + one_line(node.why.message) + "\n";
    for (const auto& one : node.listed.providers()) {
      auto last = one.last().empty() ? "none yet" : one.last() + ", " + ago(one.last_ns());
      if (one.since_ns() != one.last_ns())
        last += ", so since " + ago(one.since_ns());
      rows.push_back({one_line(one.provider()), one_line(node.node),
                      std::to_string(one.running()) + " of " + std::to_string(one.calls_max()),
                      std::to_string(one.waiting()), std::to_string(one.answered()),
                      std::to_string(one.failed()), one_line(last)});
      if (!one.last().empty() && one.last() != "answered")
        further += one_line(node.node) + ": " + one_line(one.words()) + "\n";
      for (const auto& key : one.keys_taken_out())
        further += one_line(node.node + ": " + one.provider() + " has refused the key from "
                            + key.source() + " (status " + std::to_string(key.status()) + ", "
                            + ago(key.since_ns()) + "): it is used again when it has changed")
                   + "\n";
    }
  }
  return rows.size() == 1 && further.empty() ? std::string{} : table(rows, colours) + further;
}

} // namespace troupe::cli
