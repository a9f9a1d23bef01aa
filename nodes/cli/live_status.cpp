#include "nodes/cli/live_status.hpp"

#include "config/base/count_of.hpp"
#include "messages/cluster.pb.h"
#include "nodes/cli/ask_status.hpp"
#include "telemetry/text_escape.hpp"

#include <poll.h>
#include <sys/eventfd.h>

namespace troupe::cli {

using namespace std::chrono_literals;

live_status::live_status(cluster_flags flags, terminal place)
    : flags_(std::move(flags)), place_(place), ended_(::eventfd(0, EFD_CLOEXEC)) {}

live_status::~live_status() { stop(); }

void live_status::start() {
  if (!thread_.joinable())
    thread_ = std::thread([this] { run(); });
}

void live_status::stop() {
  if (!thread_.joinable())
    return;
  ::eventfd_write(ended_.get(), 1);
  thread_.join();
  draw("");
}

void live_status::print_above(const std::string& lines) {
  std::lock_guard guard(screen_);
  if (std::exchange(visible_, false))
    print_control("\r\x1b[K");
  print(lines);
}

void live_status::run() {
  std::unique_ptr<client> link;
  do {
    if (!link) {
      auto attached = attach(flags_, ended_.get());
      if (!attached) {
        draw("no node answers");
        continue;
      }
      link = std::move(attached->link);
    }
    if (auto status = ask_status(*link, 2s))
      draw(status_line(*status));
    else
      link.reset(); // tries another node in the next second
  } while (wait_a_second());
}

/// Returns false once `stop` was called.
bool live_status::wait_a_second() {
  pollfd ended{ended_.get(), POLLIN, 0};
  return ::poll(&ended, 1, 1'000) == 0;
}

void live_status::draw(const std::string& text) {
  std::lock_guard guard(screen_);
  if (text.empty() && !visible_)
    return;
  auto room = static_cast<std::size_t>(std::max(place_.columns - 1, 1));
  print_control("\r" + painted(one_line(text.substr(0, room)), colour::dim, place_.colours)
                + "\x1b[K");
  visible_ = !text.empty();
}

std::string status_line(const ClusterStatus& status) {
  int up = 0;
  std::uint64_t done = 0, running = 0, queued = 0, agents = 0, bytes = 0;
  for (const auto& node : status.nodes()) {
    up += node.state() == MEMBER_UP;
    done += node.tasks_done();
    running += node.tasks_running();
    queued += node.queue_length();
    agents += node.agents();
    bytes += node.rss_bytes();
  }
  return std::to_string(up) + " of "
         + count_of(static_cast<std::uint64_t>(status.nodes_size()), "node") + " up, "
         + count_of(done, "task") + " done, " + std::to_string(running) + " running, "
         + std::to_string(queued) + " queued, " + count_of(agents, "agent") + ", "
         + human_bytes(bytes);
}

} // namespace troupe::cli
