#include "tests/support/node/whole_node.hpp"

#include "config/limits/telemetry.hpp"
#include "config/limits/work.hpp"
#include "messages/cluster.pb.h"
#include "nodes/cores.hpp"

#include <algorithm>
#include <chrono>
#include <stdexcept>
#include <thread>

namespace troupe::test {

namespace {

role_table all_roles() {
  auto loaded = load_roles({});
  assert(loaded);
  return std::move(*loaded);
}

template <class Store>
std::unique_ptr<Store> opened(result<std::unique_ptr<Store>> store) {
  if (!store)
    throw std::runtime_error(store.error().message);
  return std::move(*store);
}

} // namespace

NodeInfo info_of(std::uint64_t number) {
  NodeInfo info;
  info.set_id(to_bytes(whole_node::id_of(number)));
  info.set_name("node-" + std::to_string(number));
  info.set_capacity(limits::pool_size);
  for (const auto& [role_name, kind] : all_roles())
    add_role(info, kind->info);
  return info;
}

whole_node::whole_node(std::uint64_t number, std::vector<NodeInfo> others,
                       whole_node_options options)
    : runtime_({available_cores()}),
      parts_(parts(number, std::move(others), options)), hub_{host_,
                                                              runtime_.system(),
                                                              parts_.self,
                                                              "tests",
                                                              "secret",
                                                              [] { return std::string(32, 'n'); }} {
  host_.log = make_null_log_sink();
  recorder_options recording;
  recording.node = id_of(number);
  recording.kept_max = limits::spans_kept_max;
  recording.queued_max = limits::spans_queued_max;
  host_.spans = std::make_unique<recorder>(recording, host_.counted, host_.log);
  host_.post = std::make_unique<post>(id_of(number), host_.counted);
  host_.post->publish(std::make_shared<member_view>(configured_view(parts_.self, parts_.others)));
  auto nonce = std::to_string(number) + std::string(31, 'n');
  hub_.nonce = [nonce] { return nonce; };
  call_providers(std::move(options.providers));
  runtime_.start(
      host_, wire(parts_), [this] { all_stand_.set_value(); }, [this] { ended_.set_value(); });
  [[maybe_unused]] bool stands =
      all_stand_.get_future().wait_for(std::chrono::seconds{20}) == std::future_status::ready;
  assert(stands);
}

whole_node::~whole_node() {
  acceptor_.reset();
  runtime_.ask_to_stop();
  ended_.get_future().wait();
  stop_links(hub_);
  runtime_.await_end();
}

node_parts whole_node::parts(std::uint64_t number, std::vector<NodeInfo> others,
                             const whole_node_options& options) {
  auto self = info_of(number);
  for (const auto& [role_name, kind] : options.more_roles)
    add_role(self, kind->info);
  auto roles = options.more_roles;
  roles.merge(all_roles());
  const auto& data = options.data;
  return {
      std::move(self),
      std::move(others),
      options.cfg,
      std::move(roles),
      host_.counted,
      traces_,
      [data] {
        return data.empty() ? make_memory_state_store() : opened(open_state_store(data / "state"));
      },
      [data] {
        return data.empty() ? make_memory_blob_store() : opened(open_blob_store(data / "blobs"));
      },
      [data, medium = make_journal_medium()] {
        return data.empty() ? make_memory_journal(medium) : opened(open_journal(data / "journal"));
      },
      [this](auto view) { published(std::move(view)); },
      [this] { return mail().view(); },
      [this] { return open_links(hub_); },
      {},
      [this] { return host_.clock.now(); },
      [this](envelope message) { host_.post->send(std::move(message)); }};
}

void whole_node::call_providers(models_catalog providers) {
  if (providers.providers.empty())
    return;
  auto client = http_loop::make({});
  assert(client);
  http_ = std::move(*client);
  provider_port::options how;
  how.catalog = providers;
  how.send = parts_.send;
  how.log = host_.log;
  providers_ = std::make_unique<provider_port>(std::move(how), *http_);
  parts_.cfg.catalog = std::move(providers);
  parts_.http = providers_.get();
}

address whole_node::echo_on(std::uint64_t number) {
  auto view = mail().view();
  assert(view->find(id_of(number)));
  for (std::uint64_t i = 1;; ++i)
    if (name agent{"echo/" + std::to_string(i)}; home_of(agent, *view) == id_of(number))
      return address::of_agent(agent, id_of(number));
}

std::string whole_node::listen() {
  auto socket = listen_on({"127.0.0.1", 0});
  assert(socket);
  auto place = local_address(socket->get());
  acceptor_.emplace(std::move(*socket), accept_at(hub_, hub_.strangers));
  return place;
}

void whole_node::dial(std::uint64_t number, const std::string& place) {
  dialler_.emplace(dialler::options{
      [this](int socket, node_id peer) { adopt_link(hub_, socket, peer, nullptr); },
      [](node_id, const std::string&) {}, 1});
  dialler_->dial(id_of(number), *parse_address(place));
}

bool whole_node::wait_for_members() {
  return wait_for_view([](const member_view& view) {
           return !view.members.empty()
                  && std::all_of(view.members.begin(), view.members.end(),
                                 [](const member& m) { return m.state == MEMBER_UP; });
         })
         != nullptr;
}

std::shared_ptr<const member_view>
whole_node::wait_for_view(const std::function<bool(const member_view&)>& wanted) {
  std::shared_ptr<const member_view> view;
  std::unique_lock guard{mutex_};
  auto there = [&] { return wanted(*(view = host_.post->view())); };
  return published_.wait_for(guard, std::chrono::seconds{10}, there) ? view : nullptr;
}

void whole_node::published(std::shared_ptr<const member_view> view) {
  host_.post->publish(std::move(view));
  std::lock_guard guard{mutex_};
  published_.notify_all();
}

} // namespace troupe::test
