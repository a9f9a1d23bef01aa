#include "tests/sim/world.hpp"

#include <algorithm>

namespace troupe::sim {

namespace {

constexpr std::uint64_t first_id = 1000;

world_options plain(std::size_t nodes, role_table roles, node_config cfg) {
  world_options made;
  made.nodes = nodes;
  made.roles = std::move(roles);
  made.cfg = std::move(cfg);
  return made;
}

} // namespace

world::world(std::uint64_t seed, std::size_t nodes, role_table roles, node_config cfg)
    : world(seed, plain(nodes, std::move(roles), std::move(cfg))) {}

world::world(std::uint64_t seed, world_options options)
    : options_(std::move(options)), on_(seed, options_.network, options_.nodes + options_.clients) {
  on_.turn_min = options_.turn_min;
  on_.turn_max = options_.turn_max;
  for (std::size_t i = 0; i < options_.nodes; ++i) {
    NodeInfo info;
    info.set_id(to_bytes(node_id{0, first_id + i}));
    info.set_name("node-" + std::to_string(i + 1));
    info.set_address("simulated:" + std::to_string(i + 1));
    info.set_capacity(options_.cfg.agents.pool_size);
    for (const auto& [role_name, kind] : options_.roles)
      add_role(info, kind->info);
    nodes_.emplace_back(std::move(info), seed, i, on_.when);
  }
  for (std::size_t i = 0; i < options_.nodes; ++i)
    start(i);
}

/// Lives end before what they stand on.
world::~world() {
  for (auto& one : nodes_)
    one.life.reset();
}

node_id world::id(std::size_t index) const { return node_from_bytes(nodes_[index].self.id()); }

void world::start(std::size_t index) {
  auto& n = nodes_[index];
  if (n.life)
    return;
  auto life = ++n.lives;
  n.self.set_incarnation(life);
  process_setup setup;
  setup.self = n.self;
  setup.at = index;
  setup.cfg = options_.cfg;
  setup.cfg.node.name = n.self.name();
  setup.roles = options_.roles;
  setup.provider = options_.provider;
  for (std::size_t i = 0; i < nodes_.size(); ++i)
    if (i != index)
      setup.others.push_back(nodes_[i].self);
  for (std::size_t i = 0; i < options_.nodes; ++i)
    if (i != index)
      setup.members[id(i)] = i;
  setup.ends = [this, index, life](bool silent) {
    on_.when.later(std::chrono::nanoseconds{0},
                   [this, index, life, silent] { life_is_over(index, life, silent); });
  };
  on_.net.start(index);
  n.life = std::make_unique<process>(on_, n.storage, std::move(setup));
  n.life->tell("begins life " + std::to_string(life));
  n.life->start();
}

void world::kill(std::size_t index, bool silent) {
  if (nodes_[index].life)
    life_is_over(index, nodes_[index].lives, silent);
}

void world::stop(std::size_t index) {
  if (nodes_[index].life)
    nodes_[index].life->stop();
}

void world::life_is_over(std::size_t index, std::uint64_t life, bool silent) {
  auto& n = nodes_[index];
  if (!n.life || n.lives != life)
    return;
  n.life->tell(silent ? "loses its power" : "has ended");
  on_.net.stop(index, silent);
  n.life.reset();
  n.storage.stop();
  if (restarts_after.count() > 0)
    on_.when.later(restarts_after, [this, index] { start(index); });
}

bool world::settle(std::chrono::nanoseconds at_most) {
  auto sees_all = [this](const process& one) {
    const auto& members = one.view().members;
    return members.size() == nodes_.size()
           && std::all_of(members.begin(), members.end(), [this](const member& m) {
                return m.state == MEMBER_UP || !nodes_[m.id.lo - first_id].life;
              });
  };
  return run_until(
      [&] {
        return std::all_of(nodes_.begin(), nodes_.end(),
                           [&](const node& n) { return !n.life || sees_all(*n.life); });
      },
      at_most);
}

message_id world::send(std::size_t index, envelope message) {
  auto& n = nodes_[index];
  message.sender = address::of_session(linkless_session, id(index));
  message.id = {linkless_session, ++client_sequence_};
  auto id = message.id;
  if (n.life) // otherwise nobody is there to take it
    n.life->post(std::move(message));
  return id;
}

bool world::run_until(const std::function<bool()>& done, std::chrono::nanoseconds at_most) {
  auto end = now() + at_most;
  while (!done())
    if (!on_.when.turn(end))
      return false;
  return true;
}

} // namespace troupe::sim
