#include "nodes/wiring.hpp"

#include "actors/agents/roles_logic.hpp"
#include "actors/cluster/member_view.hpp"
#include "actors/cluster/membership_logic.hpp"
#include "actors/coordination/coordinator_logic.hpp"
#include "actors/coordination/queue_logic.hpp"
#include "actors/llm/offline/offline_provider_logic.hpp"
#include "actors/llm/routed_models.hpp"
#include "actors/llm/safe_models.hpp"
#include "actors/reading/reading_logic.hpp"
#include "actors/reading/work_pool.hpp"
#include "actors/storage/blobs_logic.hpp"
#include "actors/storage/journal_logic.hpp"
#include "actors/storage/state_logic.hpp"
#include "config/limits/work.hpp"
#include "messages/cluster.pb.h"
#include "messages/runs.pb.h"
#include "nodes/cores.hpp"

#include <algorithm>

namespace troupe {

namespace {

/// What the desk reports without asking a service: process figures, counters and the node's setup.
NodeStatus sample(const node_parts& parts) {
  auto status = parts.process_figures ? parts.process_figures() : NodeStatus{};
  auto& plain = parts.counted.plain();
  *status.mutable_info() = parts.self;
  status.mutable_info()->clear_roles(); // their names are in `roles`
  status.set_state(MEMBER_UP);
  status.set_tasks_done(plain.tasks_done);
  status.set_tasks_failed(plain.tasks_failed);
  status.set_tasks_running(plain.tasks_running);
  status.set_queue_length(plain.queue_length);
  status.set_agents(plain.agents);
  status.set_spans_dropped(plain.spans_dropped);
  status.set_late_results(plain.late_results);
  status.set_blobs(plain.blobs);
  status.set_blob_bytes(plain.blob_bytes);
  for (const auto& [role_name, kind] : parts.roles) {
    auto added = status.add_roles();
    added->set_name(role_name);
    added->set_pool(kind->info.for_tasks() ? parts.cfg.agents.pool_size : 0);
  }
  return status;
}

Durability durability_of(run_durability configured) {
  switch (configured) {
    case run_durability::sync:
      return DURABILITY_SYNC;
    case run_durability::async:
      return DURABILITY_ASYNC;
    case run_durability::off:
      break;
  }
  return DURABILITY_OFF;
}

child_spec leaf(service place, std::function<std::unique_ptr<logic>()> make,
                bool own_thread = false) {
  child_spec child;
  child.label = to_string(place);
  child.place = place;
  child.own_thread = own_thread;
  child.make = std::move(make);
  return child;
}

child_spec branch(std::string label, std::vector<child_spec> children) {
  child_spec child;
  child.label = std::move(label);
  child.children = std::move(children);
  return child;
}

child_spec wire_storage(const node_parts& parts) {
  constexpr bool own_thread = true; // disks block
  return branch(
      "storage supervisor",
      {leaf(
           service::state,
           [&] {
             return std::make_unique<state_logic>(parts.open_states(), parts.disk_failed,
                                                  parts.cfg.storage.free_min);
           },
           own_thread),
       leaf(
           service::blobs,
           [&] {
             blobs_logic::options options;
             options.keep = parts.cfg.storage.blob_keep;
             options.free_min = parts.cfg.storage.free_min;
             options.has_journal = true;
             options.disk_failed = parts.disk_failed;
             options.name_of = [view = parts.published](node_id id) {
               auto known = view();
               auto found = known->find(id);
               return found ? found->info.name() : std::string{};
             };
             return std::make_unique<blobs_logic>(parts.open_blobs(), parts.counted, options);
           },
           own_thread),
       leaf(
           service::journal,
           [&] {
             journal_logic::options options;
             options.retention = parts.cfg.journal.retention;
             options.free_min = parts.cfg.storage.free_min;
             options.disk_failed = parts.disk_failed;
             return std::make_unique<journal_logic>(parts.open_journal(), parts.counted, options);
           },
           own_thread)});
}

child_spec wire_cluster(const node_parts& parts) {
  return branch("cluster supervisor", {leaf(service::membership, [&] {
                  membership_logic::options options;
                  options.self = parts.self;
                  options.others = parts.others;
                  options.epoch = parts.published()->epoch; // continues after a restart
                  options.publish = parts.publish;
                  options.links = parts.links;
                  options.told = {service::coordinator, service::queue, service::desk};
                  return std::make_unique<membership_logic>(std::move(options));
                })});
}

std::uint32_t members_up(const member_view& view) {
  auto up = std::count_if(view.members.begin(), view.members.end(),
                          [](const member& one) { return one.state == MEMBER_UP; });
  return std::max(static_cast<std::uint32_t>(up), 1U);
}

/// Behind the checks that the configuration wants; without any, nothing is in between.
std::unique_ptr<logic> with_safety(std::unique_ptr<logic> models, const node_parts& parts) {
  if (parts.cfg.safety == safety_config{})
    return models;
  safe_models::options options;
  options.policies = parts.cfg.safety;
  for (const auto& [role_name, kind] : parts.roles)
    options.roles.push_back(role_name);
  return std::make_unique<safe_models>(std::move(options), std::move(models), parts.counted);
}

child_spec wire_llm(const node_parts& parts) {
  constexpr bool own_thread = true; // scoring a long document takes a while, and keys are in files
  auto offline = leaf(
      service::offline,
      [&] {
        offline_provider_logic::options options;
        options.delay = parts.cfg.models.offline_delay;
        options.waiting_max = limits::model_requests_waiting_max;
        return std::make_unique<offline_provider_logic>(options, parts.counted);
      },
      own_thread);
  auto models = leaf(
      service::models,
      [&] {
        models_logic::options options;
        options.catalog = parts.cfg.catalog;
        options.http = parts.http;
        options.nodes_up = [view = parts.published] { return members_up(*view()); };
        return with_safety(std::make_unique<routed_models>(std::move(options), parts.counted),
                           parts);
      },
      own_thread);
  return branch("llm supervisor", {std::move(offline), std::move(models)});
}

std::unique_ptr<logic> make_reading(const node_parts& parts) {
  reading_logic::options options;
  options.clock = parts.clock;
  if (parts.send) {
    auto threads = std::min<std::size_t>(available_cores(), limits::reading_threads_max);
    auto pool = std::make_shared<work_pool>(threads);
    options.run = [pool](auto job) { pool->run(std::move(job)); };
    options.tell = [send = parts.send](ReadingDone done) {
      send(make_envelope(message_kind::event, address::of(service::reading), std::move(done)));
    };
  }
  return std::make_unique<reading_logic>(std::move(options));
}

child_spec wire_reading(const node_parts& parts) {
  constexpr bool own_thread = true; // it frees large documents and reads small ones
  return branch("reading supervisor",
                {leaf(
                    service::reading, [&] { return make_reading(parts); }, own_thread)});
}

} // namespace

child_spec wire(const node_parts& parts) {
  auto roles = leaf(service::roles, [&] {
    roles_logic::options options;
    options.agents_max = limits::agents_active_max;
    options.pool_size = parts.cfg.agents.pool_size;
    options.idle = parts.cfg.agents.idle;
    options.holds_every = parts.cfg.storage.blob_keep / limits::blob_keep_parts;
    options.spans = std::make_shared<const span_terms>(
        span_terms{parts.cfg.telemetry.contents == "on", parts.cfg.catalog});
    options.give_back_memory = parts.give_back_memory;
    return std::make_unique<roles_logic>(std::move(options), parts.roles, parts.counted);
  });
  auto queue = leaf(service::queue, [&] {
    queue_options options;
    options.pool_size = parts.cfg.agents.pool_size;
    options.tasks_max = parts.cfg.queue.tasks_max;
    options.node_name = parts.cfg.node.name;
    return std::make_unique<queue_logic>(options, parts.roles, parts.counted);
  });
  auto coordinator = leaf(service::coordinator, [&] {
    coordinator_options options;
    options.capacity = parts.cfg.agents.pool_size;
    options.holds_every = parts.cfg.storage.blob_keep / limits::blob_keep_parts;
    options.give_back_memory = parts.give_back_memory;
    options.has_journal = true;
    options.durability = durability_of(parts.cfg.runs.durability);
    options.journal_failed = parts.disk_failed;
    return std::make_unique<coordinator_logic>(options, parts.roles, parts.counted);
  });
  auto desk = leaf(service::desk, [&] {
    desk_options options;
    options.cluster = parts.cfg.cluster.name;
    options.roles = &parts.roles;
    return std::make_unique<desk_logic>(
        options, [&] { return sample(parts); }, parts.traces);
  });
  // Membership starts last in the core, so every service is there for its announcements.
  auto core = branch("core", {wire_storage(parts), wire_llm(parts), wire_reading(parts),
                              std::move(roles), std::move(queue), std::move(coordinator),
                              std::move(desk), wire_cluster(parts)});
  return branch("node supervisor", {std::move(core)});
}

} // namespace troupe
