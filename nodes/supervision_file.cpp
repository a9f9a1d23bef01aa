#include "nodes/supervision_file.hpp"

#include "config/base/hex.hpp"
#include "config/limits/supervision.hpp"
#include "messages/ids.hpp"
#include "nodes/cluster_files.hpp"
#include "persistence/own_files.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <string>

#include <nlohmann/json.hpp>
#include <xxhash.h>

namespace troupe {

namespace fs = std::filesystem;
using json = nlohmann::json;
using clock = std::chrono::steady_clock;

static_assert(signal_start_missing == SIGUSR1 && signal_stop == SIGUSR2);

namespace {

constexpr std::size_t hash_digits = 16;

std::string hash_of(std::string_view text) { return to_hex(XXH3_64bits(text.data(), text.size())); }

json to_json(const supervised_node& node) {
  return {{"name", node.name}, {"phase", to_string(node.phase)},
          {"pid", node.pid},   {"tries", node.tries},
          {"why", node.why},   {"next_try_unix_ms", node.next_try_unix_ms}};
}

std::optional<supervision> parse(std::string_view text) {
  auto end = text.find('\n');
  if (end == std::string_view::npos || end < hash_digits + 1)
    return std::nullopt;
  auto body = text.substr(hash_digits + 1, end - hash_digits - 1);
  if (hash_of(body) != text.substr(0, hash_digits))
    return std::nullopt;
  auto said = json::parse(body, nullptr, false);
  supervision read;
  try {
    read.pid = said.at("pid");
    read.asked = said.at("asked");
    for (const auto& node : said.at("nodes"))
      read.nodes.push_back({node.at("name"), parse_node_phase(node.at("phase").get<std::string>()),
                            node.at("pid"), node.at("tries"), node.at("next_try_unix_ms"),
                            node.at("why")});
  } catch (const json::exception&) { // written by a later version
    return std::nullopt;
  }
  return read;
}

} // namespace

std::string_view to_string(node_phase phase) {
  switch (phase) {
    case node_phase::starting:
      return "starting";
    case node_phase::joining:
      return "joining";
    case node_phase::ready:
      return "ready";
    case node_phase::waiting:
      return "waiting";
    case node_phase::given_up:
      return "given up";
  }
  return "";
}

node_phase parse_node_phase(std::string_view text) {
  for (auto phase :
       {node_phase::starting, node_phase::joining, node_phase::ready, node_phase::waiting})
    if (to_string(phase) == text)
      return phase;
  return node_phase::given_up;
}

fs::path supervision_path(const fs::path& data) { return data / "supervision"; }

supervision_file::supervision_file(const fs::path& data) : path_(supervision_path(data)) { open(); }

bool supervision_file::open() {
  if (file_)
    return true;
  auto opened = open_own_file(path_, O_RDWR | O_CREAT);
  if (!opened)
    return false;
  constexpr auto room = static_cast<off_t>(limits::supervision_file_bytes);
  if (::posix_fallocate(opened->get(), 0, room) == 0)
    file_ = *std::move(opened);
  return static_cast<bool>(file_);
}

void supervision_file::write(const supervision& now) {
  if (!open())
    return; // `status` then shows less; the nodes go on
  auto nodes = json::array();
  for (const auto& node : now.nodes)
    nodes.push_back(to_json(node));
  const json said{{"pid", now.pid}, {"asked", now.asked}, {"nodes", std::move(nodes)}};
  auto body = said.dump(-1, ' ', false, json::error_handler_t::replace);
  auto text = hash_of(body) + " " + body + "\n";
  if (text.size() <= limits::supervision_file_bytes) [[maybe_unused]]
    auto written = ::pwrite(file_.get(), text.data(), text.size(), 0);
}

std::optional<supervision> read_supervision(const fs::path& data) {
  auto holder = lock_holder(data);
  if (!holder)
    return std::nullopt;
  constexpr int tries_max = 10; // it may be in the middle of a write
  for (int i = 0; i < tries_max; ++i) {
    auto file = open_own_file(supervision_path(data), O_RDONLY);
    if (!file)
      return std::nullopt;
    std::string text(limits::supervision_file_bytes, '\0');
    auto got = ::pread(file->get(), text.data(), text.size(), 0);
    text.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    if (auto read = parse(text))
      return read->pid == *holder ? read : std::nullopt;
  }
  return std::nullopt;
}

supervisor find_supervisor(const fs::path& data) {
  while (auto holder = lock_holder(data)) {
    supervisor found{open_pidfd(*holder), *holder};
    // Between the two calls above, it may have ended and another process may have got its number.
    if (lock_holder(data) == holder)
      return found;
  }
  return {};
}

std::optional<supervision> await_supervision(const fs::path& data, const supervisor& process,
                                             const std::function<bool(const supervision&)>& fits,
                                             std::chrono::milliseconds at_most, int interrupt_fd) {
  auto deadline = clock::now() + at_most;
  file_handle changes{::inotify_init1(IN_CLOEXEC | IN_NONBLOCK)};
  ::inotify_add_watch(changes.get(), data.c_str(), IN_MODIFY | IN_CREATE);
  while (true) {
    auto now = read_supervision(data);
    auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - clock::now());
    if ((now && fits(*now)) || left.count() <= 0)
      return now;
    std::array<pollfd, 3> watched{
        {{changes.get(), POLLIN, 0}, {process.pidfd.get(), POLLIN, 0}, {interrupt_fd, POLLIN, 0}}};
    ::poll(watched.data(), watched.size(), static_cast<int>(left.count()));
    if (watched[1].revents != 0 || watched[2].revents != 0)
      return now;
    std::array<char, 4096> events;
    while (::read(changes.get(), events.data(), events.size()) > 0) {
    }
  }
}

} // namespace troupe
