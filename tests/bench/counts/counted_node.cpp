#include "tests/bench/counts/counted_node.hpp"

#include "actors/host/interfaces.hpp"
#include "actors/host/logic_shell.hpp"
#include "actors/host/supervisor.hpp"
#include "config/limits/work.hpp"
#include "persistence/blob_store.hpp"
#include "persistence/state_store.hpp"
#include "tests/bench/counts/deciding_role.hpp"

#include <caf/send.hpp>

#include <cassert>

namespace troupe::bench {

namespace {

caf::actor_system_config& configured(caf::actor_system_config& config) {
  config.add_message_types<caf::id_block::troupe>();
  config.set("scheduler.policy", caf::atom("testing"));
  config.set("scheduler.max-throughput", std::uint64_t{1}); // as in a node
  return config;
}

role_table all_roles() {
  auto loaded = load_roles({});
  assert(loaded);
  return std::move(*loaded);
}

void without_threads(child_spec& spec) {
  spec.own_thread = false;
  for (auto& child : spec.children)
    without_threads(child);
}

/// It costs what a clock costs and stands still: what a step decides by its own time, such as which
/// tasks are slow, is the same in each run.
class standing_clock final : public time_source {
public:
  instant now() const override {
    clock_.now();
    return {};
  }

private:
  node_clock clock_;
};

const standing_clock within_steps;

} // namespace

counted_node::counted_node() : system_(configured(config_)), parts_(make_parts()) {
  host_.burst_time_max = std::chrono::hours{1}; // it works slowly while it is counted
  host_.within_steps = &within_steps;
  host_.log = make_null_log_sink();
  host_.spans = std::make_unique<recorder>(recorder_options{}, host_.counted, host_.log);
  host_.post = std::make_unique<post>(node_id{0x7265, 1}, host_.counted, host_.log);
  host_.post->publish(std::make_shared<member_view>(configured_view(parts_.self, {})));
  auto tree = wire(parts_);
  without_threads(tree);
  top_ = spawn_supervisor(system_, host_, std::move(tree));
  work();
}

counted_node::~counted_node() {
  for (auto& shell : placed_)
    caf::anon_send(shell, atom::stop_v);
  placed_.clear();
  caf::anon_send(top_, atom::stop_v);
  work();
  top_ = nullptr;
}

node_parts counted_node::make_parts() {
  NodeInfo info;
  info.set_id(to_bytes(node_id{0x7265, 1}));
  info.set_name("node-1");
  info.set_capacity(limits::pool_size);
  auto roles = all_roles();
  roles.emplace("decides", deciding_role());
  for (const auto& [title, kind] : roles)
    add_role(info, kind->info);
  return {std::move(info),
          {},
          node_config{},
          std::move(roles),
          host_.counted,
          traces_,
          [] { return make_memory_state_store(); },
          [] { return make_memory_blob_store(); },
          [medium = make_journal_medium()] { return make_memory_journal(medium); },
          [this](auto view) { host_.post->publish(std::move(view)); },
          [this] { return host_.post->view(); },
          {},
          {},
          [this] { return host_.clock.now(); },
          {}};
}

caf::scheduler::test_coordinator& counted_node::jobs() {
  return dynamic_cast<caf::scheduler::test_coordinator&>(system_.scheduler());
}

void counted_node::run_logic(std::string_view agent, std::unique_ptr<logic> mind) {
  name called{agent};
  auto shell = system_.spawn<logic_shell, caf::lazy_init>(host_, address::of_agent(called, self()),
                                                          std::move(mind));
  host_.post->place(called, shell);
  caf::anon_send(shell, atom::begin_v);
  placed_.push_back(std::move(shell));
}

void counted_node::work() { jobs().run(); }

} // namespace troupe::bench
