#include "nodes/cli/find_cluster.hpp"

#include "actors/cluster/socket.hpp"
#include "config/base/random.hpp"
#include "config/keys.hpp"
#include "config/limits/work.hpp"
#include "messages/cluster.pb.h"
#include "nodes/cluster_files.hpp"
#include "nodes/exit_codes.hpp"
#include "nodes/lasting_client.hpp"
#include "persistence/identity.hpp"
#include "telemetry/shell_word.hpp"
#include "telemetry/text_escape.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <random>

namespace troupe::cli {

namespace fs = std::filesystem;

namespace {

using steady = std::chrono::steady_clock;

constexpr std::chrono::milliseconds roles_patience = 5 * limits::desk_query_timeout;

/// One way to a node.
struct way_in {
  std::string called; ///< its name in messages; HOST:PORT if it is by TCP
  fs::path folder;    ///< connect by the socket in this folder; empty: by TCP
  node_id owner{};    ///< the node that must answer; zero: unknown
};

/// Where to connect, with which cluster name and secret.
struct door {
  std::vector<way_in> ways; ///< in two groups: the second is tried if no way of the first works
  std::size_t first_group = 0;
  std::string cluster = "default";
  std::string secret;
};

cli_error no_cluster(const std::string& what, const cluster_flags& flags) {
  return {exit_unavailable, "unavailable",
          what + "; start one with: troupe up --nodes 3" + data_hint(flags)};
}

node_id id_of(const cluster_node& node) {
  return parse_id128<node_id>(node.member.id).value_or(node_id{});
}

/// The node that the folder lists at this address; then only this node may answer. Zero: none.
node_id owner_of(const std::string& address, const cluster_file& file) {
  auto spelt = [](const std::string& text) { // `localhost` counts as 127.0.0.1
    auto place = parse_address(text);
    if (!place)
      return text;
    return (place->host == "localhost" ? "127.0.0.1" : place->host) + ":"
           + std::to_string(place->port);
  };
  for (const auto& node : file.nodes)
    if (spelt(node.member.address) == spelt(address))
      return id_of(node);
  return {};
}

/// The sockets of all nodes, then their addresses. An address alone proves nothing: a copy of the
/// folder has the same addresses and the same secret. So addresses are tried only while the
/// folder's own cluster runs. They are needed only if the file system does not support sockets.
std::vector<way_in> ways_to(const cluster_file& file, const fs::path& data) {
  std::vector<way_in> ways;
  for (const auto& node : file.nodes)
    ways.push_back({node.member.name, node_folder(data, node.member.name), id_of(node)});
  if (lock_holder(data))
    for (const auto& node : file.nodes)
      ways.push_back({node.member.address, {}, id_of(node)});
  return ways;
}

cli_result<door> find_door(const cluster_flags& flags, const fs::path& data) {
  door found;
  if (!flags.peer.empty())
    if (auto place = parse_address(flags.peer); !place)
      return unexpected{usage_error("--peer " + flags.peer + ": " + place.error().message)};
  if (!flags.cluster.empty())
    if (auto fine = check_plain_name(flags.cluster); !fine)
      return unexpected{usage_error("--cluster: " + fine.error())};
  auto file = read_cluster_file(data);
  if (!file && flags.peer.empty())
    return unexpected{error_of_files(file.error())};
  bool known = file && file->has_value();
  if (!known && flags.peer.empty())
    return unexpected{
        no_cluster("no cluster is running here (" + data.string() + " holds none)", flags)};
  if (known) {
    found.cluster = (*file)->name;
    if (flags.peer.empty())
      found.ways = ways_to(**file, data);
    found.first_group = (*file)->nodes.size();
  }
  if (!flags.peer.empty()) {
    found.ways = {{flags.peer, {}, known ? owner_of(flags.peer, **file) : node_id{}}};
    found.first_group = 1;
  }
  if (!flags.cluster.empty())
    found.cluster = flags.cluster;
  auto secret_file = flags.secret_file.empty() ? secret_path(data) : fs::path(flags.secret_file);
  auto secret = load_secret(secret_file);
  if (!secret)
    return unexpected{cli_error{
        exit_unavailable, "unavailable",
        (flags.peer.empty() ? "" : "cannot attach to " + flags.peer + ": ") + secret.error().message
            + "; name the file with the cluster's secret with --secret-file"}};
  found.secret = std::move(*secret);
  return found;
}

/// All ways to a node, in the order in which they are tried.
std::vector<client_options> doors_of(const door& found, const attach_options& options) {
  std::vector<client_options> doors;
  auto group = found.first_group;
  for (std::size_t i = 0; i < found.ways.size(); ++i) {
    const auto& next = found.ways[i / group * group + (options.first + i) % group];
    auto& made = doors.emplace_back();
    made.peer = next.called;
    made.folder = next.folder;
    made.wanted = next.owner;
    made.cluster = found.cluster;
    made.secret = found.secret;
    made.interrupt_fd = options.interrupt_fd;
  }
  return doors;
}

/// Returns the first link that succeeds, and moves its door to the front of `doors`. If none does,
/// it returns nothing, and `last` says why. Each try leaves time for the other nodes of its group,
/// in case a node is suspended and does not answer.
std::unique_ptr<client> try_each(std::vector<client_options>& doors, std::size_t group,
                                 steady::time_point deadline, failure& last) {
  for (std::size_t i = 0; i < doors.size() && last.code != ec::cancelled; ++i) {
    auto wanted = doors[i];
    // A missing socket is noticed at once and takes no time.
    auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - steady::now());
    wanted.connect_timeout =
        std::max(std::chrono::milliseconds{1}, left / static_cast<std::int64_t>(group - i % group));
    auto link = client::connect(wanted);
    if (link) {
      std::rotate(doors.begin(), doors.begin() + static_cast<std::ptrdiff_t>(i), doors.end());
      return std::move(*link);
    }
    if (last.code != ec::refused || link.error().code == ec::cancelled)
      last = link.error(); // a refusal is the better message: somebody is there
  }
  return nullptr;
}

/// No node accepted us: says why, in one message.
cli_error nobody_answers(const cluster_flags& flags, const fs::path& data, const failure& last) {
  if (last.code == ec::cancelled)
    return {exit_interrupted, "cancelled", "interrupted"};
  if (last.code == ec::refused || last.code == ec::invalid_argument)
    return {last.code == ec::refused ? exit_unavailable : exit_usage,
            std::string(to_string(last.code)), last.message};
  if (!flags.peer.empty())
    return {exit_unavailable, "unavailable",
            last.message
                + "; `troupe status` shows the addresses of a local cluster's nodes; start one "
                  "with: troupe up --nodes 3"};
  if (auto holder = lock_holder(data))
    return {exit_unavailable, "unavailable",
            "the cluster in " + data.string() + " (process " + std::to_string(*holder)
                + ") does not answer: " + last.message + "; try again, and see " + data.string()
                + "/up.log and the log.jsonl of its nodes if this goes on"};
  return no_cluster("no cluster is running in " + data.string(), flags);
}

} // namespace

fs::path data_folder_of(const cluster_flags& flags) {
  return flags.data.empty() ? default_data_folder() : fs::absolute(flags.data).lexically_normal();
}

std::string data_hint(const cluster_flags& flags) {
  auto data = data_folder_of(flags);
  return data == default_data_folder() ? "" : " --data " + shell_word(data.string());
}

std::string attached_client::node_name(const std::string& id) const {
  const auto& welcome = link->welcome();
  if (welcome.node().id() == id)
    return welcome.node().name();
  for (const auto& member : welcome.members())
    if (member.info().id() == id)
      return member.info().name();
  return to_string(node_from_bytes(id));
}

cli_result<attached_client> attach(const attach_options& options) {
  auto data = data_folder_of(options.flags);
  auto found = find_door(options.flags, data);
  if (!found)
    return unexpected{found.error()};
  auto begun = steady::now();
  auto doors = doors_of(*found, options);
  failure last{ec::unavailable, "no address is known"};
  for (auto time : {options.first_round, options.both_rounds}) {
    auto link = try_each(doors, found->first_group, begun + time, last);
    if (link)
      return attached_client{std::move(link), std::move(data), std::move(doors)};
    // A second round makes no sense if the nodes refused at once or are not there.
    if (last.code == ec::cancelled || steady::now() < begun + options.first_round)
      break;
  }
  return unexpected{nobody_answers(options.flags, data, last)};
}

cli_result<attached_client> attach(const cluster_flags& flags, int interrupt_fd) {
  attach_options options;
  options.flags = flags;
  options.interrupt_fd = interrupt_fd;
  options.first = random_bits();
  return attach(options);
}

cli_result<attached_client> attach_lasting(const cluster_flags& flags, int interrupt_fd) {
  auto found = attach(flags, interrupt_fd);
  if (!found)
    return found;
  lasting_options lasting;
  lasting.doors = found->doors;
  lasting.interrupt_fd = interrupt_fd;
  for (const auto& member : found->link->welcome().members()) {
    auto known = [&](const client_options& one) { return one.peer == member.info().address(); };
    if (std::any_of(lasting.doors.begin(), lasting.doors.end(), known))
      continue;
    auto& added = lasting.doors.emplace_back(lasting.doors.front());
    added.peer = member.info().address();
    added.folder.clear();
    added.wanted = node_from_bytes(member.info().id());
  }
  if (terminal_of(STDERR_FILENO).is_terminal)
    lasting.tell = [](const std::string& line) {
      std::fputs(("\r\x1b[Ktroupe: " + one_line(line) + "\n").c_str(), stderr);
    };
  found->link = make_lasting(std::move(found->link), std::move(lasting));
  return found;
}

namespace {

cli_result<RolesListed> ask_roles(attached_client& cluster, RolesQuery query) {
  query.set_whole_cluster(true);
  auto reply = cluster.link->request(
      make_envelope(message_kind::request, address::of(service::desk), std::move(query)),
      roles_patience);
  auto why = reply ? failure_in(*reply) : std::optional{reply.error()};
  auto listed = why ? nullptr : reply->body.as<RolesListed>();
  if (!why && !listed)
    why = failure{ec::bad_message, "the node's answer about its roles could not be read"};
  if (why)
    return unexpected{error_of(*why)};
  return std::move(*listed);
}

} // namespace

cli_result<std::vector<RoleInfo>> roles_of(attached_client& cluster, bool brief) {
  std::vector<RoleInfo> all;
  for (std::size_t page = 0; page < limits::roles_pages_max; ++page) {
    RolesQuery query;
    query.set_brief(brief);
    if (!all.empty())
      query.set_after(all.back().name());
    auto listed = ask_roles(cluster, std::move(query));
    if (!listed)
      return unexpected{listed.error()};
    for (auto& role : *listed->mutable_roles())
      all.push_back(std::move(role));
    if (!listed->more() || listed->roles().empty())
      break;
  }
  return all;
}

cli_result<std::optional<RoleInfo>> find_role(attached_client& cluster, const std::string& called) {
  RolesQuery query;
  query.set_name(called);
  auto listed = ask_roles(cluster, std::move(query));
  if (!listed)
    return unexpected{listed.error()};
  if (listed->roles().empty())
    return std::optional<RoleInfo>{};
  return std::optional{listed->roles(0)};
}

} // namespace troupe::cli
