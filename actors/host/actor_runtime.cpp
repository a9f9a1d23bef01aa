#include "actors/host/actor_runtime.hpp"

#include "actors/host/interfaces.hpp"
#include "actors/host/parking_scheduler.hpp"
#include "actors/host/supervisor.hpp"

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/io/middleman.hpp>
#include <caf/send.hpp>

#include <cstdint>
#include <utility>

namespace troupe {

struct actor_runtime::parts {
  explicit parts(const options& given) : system(configured(given)) {}

  caf::actor_system_config& configured(const options& given) {
    config.load<parking_scheduler>();
    config.load<caf::io::middleman>();
    config.add_message_types<caf::id_block::troupe>();
    config.set("scheduler.max-threads", static_cast<std::uint64_t>(given.threads));
    // For supervisors and other actors that are no shells. A shell's turn is a burst (shell.hpp).
    config.set("scheduler.max-throughput", std::uint64_t{1});
    config.set("middleman.workers", std::uint64_t{0}); // they serve remote actors: none exist
    return config;
  }

  caf::actor_system_config config;
  caf::actor_system system;
  caf::actor top;
};

actor_runtime::actor_runtime(const options& given) : parts_(std::make_unique<parts>(given)) {}

actor_runtime::~actor_runtime() = default;

caf::actor_system& actor_runtime::system() noexcept { return parts_->system; }

void actor_runtime::start(node_host& host, child_spec top, std::function<void()> all_stand,
                          std::function<void()> ended) {
  parts_->top = spawn_supervisor(parts_->system, host, std::move(top), std::move(all_stand));
  parts_->top->attach_functor([ended = std::move(ended)](const caf::error&) { ended(); });
}

void actor_runtime::ask_to_stop() { caf::anon_send(parts_->top, atom::stop_v); }

void actor_runtime::await_end() {
  parts_->top = nullptr;
  parts_->system.await_all_actors_done();
}

} // namespace troupe
