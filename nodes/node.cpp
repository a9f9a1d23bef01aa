#include "nodes/node.hpp"

#include "actors/cluster/acceptor.hpp"
#include "actors/cluster/dialler.hpp"
#include "actors/host/actor_runtime.hpp"
#include "actors/host/link_broker.hpp"
#include "actors/host/pulse.hpp"
#include "config/base/random.hpp"
#include "config/limits/http.hpp"
#include "config/limits/links.hpp"
#include "config/limits/storage.hpp"
#include "config/limits/supervision.hpp"
#include "messages/spans.pb.h"
#include "nodes/cores.hpp"
#include "nodes/end_watch.hpp"
#include "nodes/exit_codes.hpp"
#include "nodes/http/http_server.hpp"
#include "nodes/node_setup.hpp"
#include "nodes/provider_port.hpp"
#include "nodes/wiring.hpp"
#include "telemetry/text_escape.hpp"

#include <malloc.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <nlohmann/json.hpp>

namespace troupe {

namespace {

using json = nlohmann::json;

struct kept_spans final : trace_source {
  explicit kept_spans(const recorder& from) : from_(from) {}
  std::vector<SpanData> spans_of(trace_id trace) const override { return from_.spans_of(trace); }
  std::optional<trace_id> last_trace() const override { return from_.last_trace(); }
  const recorder& from_;
};

/// Writes one line of JSON to the process that started this node.
void announce(int fd, const json& line) {
  if (fd < 0)
    return;
  auto text = line.dump() + "\n";
  if (::write(fd, text.data(), text.size()) < 0)
    return; // nobody reads any more
}

actor_runtime::options runtime_options(const node_config& cfg) {
  const auto& given = cfg.scheduler;
  return {given.threads ? given.threads : available_cores()};
}

/// A running node. Its parts are built in the order of the members and destroyed in reverse.
class running_node {
public:
  running_node(const node_options& options, node_setup setup)
      : options_(options), setup_(std::move(setup)), ended_(::eventfd(0, EFD_CLOEXEC)),
        begun_(::eventfd(0, EFD_CLOEXEC)), stands_(::eventfd(0, EFD_CLOEXEC)),
        much_freed_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)), traces_(*setup_.host->spans),
        http_(http_client_for(options.cfg)), providers_(make_provider_port(options.cfg)),
        runtime_(runtime_options(options.cfg)), hub_{*setup_.host,
                                                     runtime_.system(),
                                                     setup_.self,
                                                     options.cfg.cluster.name,
                                                     setup_.secret,
                                                     [] { return random_bytes(32); },
                                                     strangers_max(
                                                         setup_.descriptors,
                                                         limits::unproven_connections_max)},
        parts_{setup_.self,
               setup_.others,
               options.cfg,
               setup_.roles,
               setup_.host->counted,
               traces_,
               setup_.open_states,
               setup_.open_blobs,
               setup_.open_journal,
               [this](const auto& view) { published(view); },
               [this] { return setup_.host->post->view(); },
               [this] { return open_links(hub_); },
               [this] { return process_figures_of(*setup_.host); },
               [this] { return setup_.host->clock.now(); },
               [this](envelope message) { setup_.host->post->send(std::move(message)); }} {
    parts_.disk_failed = [](const failure& why) {
      // Pending writes must not be acknowledged, so the process ends without an orderly stop.
      bool damaged = why.code == ec::bad_message; // a restart would find the same
      std::fprintf(stderr, "troupe: the disk failed: %s; ending%s\n", why.message.c_str(),
                   damaged ? "" : ", to restart from what is on it");
      ::_exit(damaged ? exit_damaged : exit_disk_failed);
    };
    parts_.http = providers_.get();
    parts_.give_back_memory = [this] { ::eventfd_write(much_freed_.get(), 1); };
  }

  int run(int signals) {
    auto tree = wire(parts_);
    tree_stop_time_ = stop_time_of(tree);
    auto tell = [](const file_handle& event) {
      return [fd = event.get()] { ::eventfd_write(fd, 1); };
    };
    runtime_.start(*setup_.host, std::move(tree), tell(stands_), tell(ended_));
    for (auto before_doors_open : {stands_.get(), begun_.get()})
      wait_for(before_doors_open, signals);
    open_doors();
    announce(options_.ready_fd, {{"event", "listening"},
                                 {"id", to_string(setup_.host->post->self())},
                                 {"address", setup_.self.address()},
                                 {"http_address", setup_.self.http_address()},
                                 {"pid", ::getpid()},
                                 {"pulses", options_.pulses}});
    setup_.host->log->write({log_level::info,
                             "node",
                             "listening at " + setup_.self.address() + ", http://"
                                 + setup_.self.http_address() + "/metrics",
                             {}});
    auto today = std::chrono::floor<std::chrono::days>(setup_.host->clock.now());
    auto old = old_prices(options_.cfg.catalog, known_prices(), today.time_since_epoch().count());
    if (!old.empty())
      setup_.host->log->write({log_level::warning, "models", std::move(old), {}});
    listening_ = true;
    say_if_ready(*setup_.host->post->view());
    wait_for_end(signals);
    pollfd waits[] = {{signals, POLLIN, 0}, {ended_.get(), POLLIN, 0}};
    ::poll(waits, 2, 0);
    bool failed = waits[1].revents != 0;
    setup_.host->log->write(
        {log_level::info, "node", failed ? "a part failed too often: ending" : "stopping", {}});
    stop(failed);
    return failed ? exit_part_failed : exit_ok;
  }

private:
  static std::unique_ptr<http_loop> http_client_for(const node_config& cfg) {
    if (cfg.catalog.providers.empty())
      return nullptr;
    auto made = http_loop::make({});
    if (!made)
      throw std::runtime_error("the HTTP client cannot begin: " + made.error().message);
    return std::move(*made);
  }

  std::unique_ptr<provider_port> make_provider_port(const node_config& cfg) {
    if (!http_)
      return nullptr;
    provider_port::options how;
    how.catalog = cfg.catalog;
    how.send = [this](envelope message) { setup_.host->post->send(std::move(message)); };
    how.log = setup_.host->log;
    return std::make_unique<provider_port>(std::move(how), *http_);
  }

  /// Waits for the event, or for what ends a node.
  void wait_for(int event, int signals) const {
    pollfd waits[] = {{signals, POLLIN, 0}, {ended_.get(), POLLIN, 0}, {event, POLLIN, 0}};
    while (::poll(waits, 3, -1) < 0) {
    }
  }

  /// Runs on the main thread, which has nothing else to do.
  void give_back_memory() {
    eventfd_t times = 0;
    ::eventfd_read(much_freed_.get(), &times);
    ::malloc_trim(0);
  }

  /// Waits until a part has failed too often or a signal asks the node to stop.
  void wait_for_end(int signals) {
    std::optional<pulse> signs;
    if (options_.pulses)
      signs.emplace(runtime_.system(), options_.ready_fd);
    constexpr auto period = static_cast<int>(limits::node_pulse / std::chrono::milliseconds{1});
    pollfd waits[] = {
        {signals, POLLIN, 0}, {ended_.get(), POLLIN, 0}, {much_freed_.get(), POLLIN, 0}};
    while (waits[0].revents == 0 && waits[1].revents == 0) {
      auto happened = ::poll(waits, 3, signs ? period : -1);
      if (happened > 0 && waits[2].revents != 0)
        give_back_memory();
      else if (happened <= 0 && signs)
        signs->beat();
    }
  }

  void open_doors() {
    acceptor_.emplace(std::move(setup_.listening), accept_at(hub_, hub_.strangers));
    if (setup_.local_door) {
      auto local = accept_at(hub_, hub_.neighbours);
      local.admits = is_from_this_user;
      local_acceptor_.emplace(setup_.local_door->share(), std::move(local));
    }
    auto refused = [this](node_id peer, const std::string& why) {
      LinkClosed closed;
      closed.set_node(to_bytes(peer));
      closed.set_refused(true);
      closed.set_why(why);
      setup_.host->post->send(
          make_envelope(message_kind::event, address::of(service::membership), std::move(closed)));
    };
    dialler_.emplace(dialler::options{
        [this](int socket, node_id peer) { adopt_link(hub_, socket, peer, nullptr); }, refused,
        setup_.host->post->self().lo});
    hub_.lost = [this](node_id peer) {
      if (peer)
        dialler_->lost(peer);
    };
    hub_.found = [this](node_id peer) { dialler_->found(peer); };
    // Of any two members, the one with the lower id dials.
    for (const auto& other : setup_.others) {
      auto id = node_from_bytes(other.id());
      if (auto place = parse_address(other.address()))
        dialler_->dial(id, *place,
                       setup_.host->post->self() < id ? dialler::purpose::link
                                                      : dialler::purpose::knock);
    }
  }

  void published(const std::shared_ptr<const member_view>& view) {
    setup_.host->post->publish(view);
    ::eventfd_write(begun_.get(), 1);
    say_if_ready(*view);
  }

  /// Membership's thread calls it, and the main thread calls it once when the node listens.
  void say_if_ready(const member_view& view) {
    bool all_up = std::all_of(view.members.begin(), view.members.end(),
                              [](const member& m) { return m.state == MEMBER_UP; });
    if (all_up && listening_ && !view.members.empty() && !ready_.exchange(true)) {
      setup_.host->log->write(
          {log_level::info,
           "node",
           "ready: " + std::to_string(view.members.size())
               + (view.members.size() == 1 ? " member is up" : " members are up"),
           {}});
      announce(options_.ready_fd,
               {{"event", "ready"}, {"id", to_string(setup_.host->post->self())}});
    }
  }

  void stop(bool failed) {
    acceptor_.reset();
    local_acceptor_.reset();
    setup_.local_door.reset(); // clients that come now find nobody and go to another node
    dialler_->stop();          // links that end from now on are not dialled again
    if (!failed) {
      runtime_.ask_to_stop();
      pollfd wait{ended_.get(), POLLIN, 0};
      ::poll(&wait, 1, static_cast<int>(tree_stop_time_ / std::chrono::milliseconds{1}));
    }
    end_watch_.emplace(limits::node_end_timeout, [] {
      std::fputs("troupe: a step does not return, so the process ends without it. Its work was not "
                 "done. Check the disk of node.data.\n",
                 stderr);
      std::_Exit(exit_part_failed);
    });
    stop_links(hub_);
    runtime_.await_end();
    setup_.host->threads->wait_for_none(2 * limits::node_end_timeout);
    dialler_.reset();
  }

  std::optional<end_watch> end_watch_; ///< destroyed last
  std::chrono::nanoseconds tree_stop_time_{0};
  const node_options& options_;
  node_setup setup_;
  file_handle ended_;
  file_handle begun_;  ///< membership has published
  file_handle stands_; ///< every service has started
  file_handle much_freed_;
  kept_spans traces_;
  std::unique_ptr<http_loop> http_; ///< none without a provider that is not built in
  std::unique_ptr<provider_port> providers_;
  actor_runtime runtime_;
  link_hub hub_;
  node_parts parts_;
  std::optional<acceptor> acceptor_;
  std::optional<acceptor> local_acceptor_;
  std::optional<dialler> dialler_;
  std::atomic<bool> listening_{false};
  std::atomic<bool> ready_{false};
};

/// A descriptor for the signals that end a node. It leaves out signals that the process was started
/// to ignore (a shell's `&` does that with SIGINT). Call it before any thread starts, since threads
/// inherit the mask.
file_handle ending_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (auto signal : {SIGTERM, SIGINT}) {
    struct sigaction now {};
    if (::sigaction(signal, nullptr, &now) == 0 && now.sa_handler != SIG_IGN)
      sigaddset(&signals, signal);
  }
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  return file_handle{::signalfd(-1, &signals, SFD_CLOEXEC)};
}

/// Returns the memory of large documents and messages to the system when it is freed. By default,
/// freeing one large buffer makes the heap keep later buffers of up to that size (at most 32 MiB).
void let_memory_go_back() {
  ::mallopt(M_MMAP_THRESHOLD, static_cast<int>(limits::heap_block_bytes_max));
  ::mallopt(M_TRIM_THRESHOLD, static_cast<int>(limits::heap_kept_bytes_max));
}

} // namespace

int run_node(const node_options& options) {
  auto signals = ending_signals();
  auto cannot_start = [&](int exit_code, const std::string& why) {
    announce(options.ready_fd, {{"event", "failed"}, {"message", why}});
    std::fprintf(stderr, "troupe: %s\n", one_line(why).c_str());
    return exit_code;
  };
  let_memory_go_back();
  if (auto wrong = simulated_port::mistake_in(options.cfg.catalog); !wrong.empty())
    return cannot_start(exit_config, wrong);
  auto setup = set_up_node(options);
  if (!setup)
    return cannot_start(setup.error().exit_code, setup.error().message);
  http_server_options web;
  web.connections_max = strangers_max(setup->descriptors, limits::http_connections_max);
  auto http = http_server::open(options.cfg.node.http_listen, node_pages(*setup->host),
                                *setup->host->log, web, "choose another node.http_listen");
  if (!http)
    return cannot_start(exit_unavailable, "node.http_listen: " + http.error().message);
  setup->self.set_http_address((*http)->address());
  // What the pages show must outlive the server.
  auto host = setup->host;
  int code = running_node{options, std::move(*setup)}.run(signals.get());
  http->reset();
  return code;
}

} // namespace troupe
