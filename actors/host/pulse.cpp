#include "actors/host/pulse.hpp"

#include <caf/event_based_actor.hpp>
#include <caf/exit_reason.hpp>
#include <caf/send.hpp>
#include <unistd.h>

#include <string_view>

namespace troupe {

namespace {

caf::behavior write_pulses(caf::event_based_actor*, int fd,
                           std::shared_ptr<std::atomic<bool>> asked) {
  return {[fd, asked](caf::tick_atom) {
    constexpr std::string_view line = "{\"event\":\"pulse\"}\n";
    [[maybe_unused]] auto written = ::write(fd, line.data(), line.size());
    asked->store(false);
  }};
}

} // namespace

pulse::pulse(caf::actor_system& system, int fd)
    : asked_(std::make_shared<std::atomic<bool>>(false)) {
  writer_ = system.spawn(write_pulses, fd, asked_);
}

pulse::~pulse() { caf::anon_send_exit(writer_, caf::exit_reason::user_shutdown); }

void pulse::beat() {
  if (!asked_->exchange(true))
    caf::anon_send(writer_, caf::tick_atom_v);
}

} // namespace troupe
