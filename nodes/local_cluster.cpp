#include "nodes/local_cluster.hpp"

#include "config/limits/supervision.hpp"
#include "config/limits/units.hpp"
#include "nodes/cli/exit_codes.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include <nlohmann/json.hpp>

namespace troupe {

using namespace std::chrono_literals;

namespace {

/// Damaged data and a wrong configuration are as wrong the next time.
bool starting_again_helps(const child_exit& ended) {
  return ended.code != cli::exit_damaged && ended.code != cli::exit_config
         && ended.code != cli::exit_usage;
}

/// The last line that a node printed: what it said before it gave up.
std::string last_line(const std::filesystem::path& file) {
  unique_fd fd{::open(file.c_str(), O_RDONLY | O_CLOEXEC)};
  struct stat about {};
  if (!fd || ::fstat(fd.get(), &about) != 0)
    return {};
  std::array<char, 4096> tail;
  auto from = std::max<off_t>(0, about.st_size - static_cast<off_t>(tail.size()));
  auto got = ::pread(fd.get(), tail.data(), tail.size(), from);
  std::string_view text{tail.data(), static_cast<std::size_t>(std::max<ssize_t>(got, 0))};
  while (text.ends_with('\n'))
    text.remove_suffix(1);
  text.remove_prefix(text.rfind('\n') + 1);
  constexpr std::string_view speaker = "troupe: "; // ours will be put before it
  return std::string(text.starts_with(speaker) ? text.substr(speaker.size()) : text);
}

} // namespace

local_cluster::local_cluster(local_cluster_options options, cluster_observer& observer)
    : options_(std::move(options)), observer_(observer) {
  for (auto& node : options_.nodes)
    slots_.emplace_back().node = std::move(node);
}

local_cluster_end local_cluster::run() {
  ready_deadline_ = clock::now() + options_.ready_timeout;
  for (auto& s : slots_)
    if (!stopping_)
      start(s);
  while (!all_ended())
    poll_once();
  return end_;
}

void local_cluster::start(slot& s) {
  s.restart_at.reset();
  s.line.clear();
  s.ready = false;
  // What an earlier process printed is not this one's.
  std::error_code ignored;
  if (std::filesystem::file_size(s.node.command.output, ignored) > limits::mib && !ignored)
    std::filesystem::resize_file(s.node.command.output, 0, ignored);
  auto started = spawn(s.node.command);
  if (started) {
    s.process.emplace(std::move(*started));
    return;
  }
  if (told_ready_)
    give_up(s, started.error().message);
  else
    fail_start(cli::exit_unavailable,
               s.node.name + " cannot be started: " + started.error().message);
}

void local_cluster::poll_once() {
  std::vector<pollfd> watched{{options_.stop_fd, POLLIN, 0}};
  std::vector<std::pair<slot*, bool>> meaning{{nullptr, false}}; // bool: the ready pipe
  for (auto& s : slots_) {
    if (!s.process)
      continue;
    if (s.process->ready) {
      watched.push_back({s.process->ready.get(), POLLIN, 0});
      meaning.emplace_back(&s, true);
    }
    watched.push_back({s.process->pidfd.get(), POLLIN, 0});
    meaning.emplace_back(&s, false);
  }
  auto wait = static_cast<int>(until_next_deadline().count());
  if (::poll(watched.data(), watched.size(), wait) > 0) {
    if (watched[0].revents != 0)
      on_stop_requested();
    for (std::size_t i = 1; i < watched.size(); ++i) {
      auto [s, is_ready_pipe] = meaning[i];
      if (watched[i].revents == 0 || !s->process)
        continue;
      if (is_ready_pipe)
        on_ready_pipe(*s);
      else
        on_exit(*s);
    }
  }
  check_deadlines();
}

/// Rounded up, so that a deadline has passed when poll returns. Negative: none.
std::chrono::milliseconds local_cluster::until_next_deadline() const {
  std::optional<clock::time_point> next;
  auto consider = [&next](std::optional<clock::time_point> at) {
    if (at && (!next || *at < *next))
      next = at;
  };
  consider(kill_at_);
  consider(ready_deadline_);
  for (const auto& s : slots_)
    consider(s.restart_at);
  if (!next)
    return -1ms;
  return std::max(0ms, std::chrono::ceil<std::chrono::milliseconds>(*next - clock::now()));
}

void local_cluster::on_stop_requested() {
  std::array<char, 128> note; // an eventfd's number or a signalfd's record
  if (::read(options_.stop_fd, note.data(), note.size()) <= 0)
    return;
  if (!stopping_)
    return begin_stop();
  for (auto& s : slots_) // asked twice: at once
    if (s.process)
      send_signal(s.process->pidfd, SIGKILL);
}

void local_cluster::on_ready_pipe(slot& s) {
  std::array<char, 4096> bytes;
  auto got = ::read(s.process->ready.get(), bytes.data(), bytes.size());
  if (got < 0 && (errno == EAGAIN || errno == EINTR))
    return;
  if (got <= 0 || s.line.size() > limits::node_ready_line_bytes_max) {
    s.process->ready = unique_fd{};
    return;
  }
  s.line.append(bytes.data(), static_cast<std::size_t>(got));
  for (auto end = s.line.find('\n'); end != std::string::npos; end = s.line.find('\n')) {
    on_ready_line(s, std::string_view(s.line).substr(0, end));
    s.line.erase(0, end + 1);
  }
}

void local_cluster::on_ready_line(slot& s, std::string_view text) {
  auto said = nlohmann::json::parse(text, nullptr, false);
  if (!said.is_object())
    return;
  auto text_of = [&said](const char* key, std::string& into) {
    if (auto found = said.find(key); found != said.end() && found->is_string())
      into = found->get<std::string>();
  };
  std::string what;
  text_of("event", what);
  text_of("id", s.node.id);
  text_of("address", s.node.address);
  text_of("http_address", s.node.http_address);
  if (what != "ready" || s.ready)
    return;
  s.ready = true;
  observer_.node_ready(s.node, s.process->pid, s.was_ready);
  s.was_ready = true;
  if (!told_ready_ && std::all_of(slots_.begin(), slots_.end(), [](auto& x) { return x.ready; })) {
    told_ready_ = true;
    ready_deadline_.reset();
    observer_.cluster_ready();
  }
}

void local_cluster::on_exit(slot& s) {
  on_ready_pipe(s); // what it wrote before it ended
  auto ended = reap(*s.process);
  auto pid = s.process->pid;
  s.process.reset();
  s.ready = false;
  observer_.node_exited(s.node, pid, ended);
  if (stopping_) {
    if (being_stopped_ == &s)
      stop_next();
    return;
  }
  if (told_ready_)
    return plan_restart(s, ended);
  auto why = last_line(s.node.command.output);
  auto known = ended.signal == 0 && !starting_again_helps(ended);
  fail_start(known ? ended.code : cli::exit_unavailable,
             s.node.name + " ended before it was ready (" + to_string(ended)
                 + (why.empty() ? ")" : "): " + why));
}

void local_cluster::plan_restart(slot& s, const child_exit& ended) {
  if (!options_.restart)
    return give_up(s, "it is not to be started again");
  if (!starting_again_helps(ended))
    return give_up(s, to_string(ended) + ": " + last_line(s.node.command.output));
  auto now = clock::now();
  while (!s.restarts.empty() && now - s.restarts.front() > options_.period)
    s.restarts.pop_front();
  if (s.restarts.size() >= options_.intensity)
    return give_up(s, "it died " + std::to_string(s.restarts.size() + 1) + " times within "
                          + std::to_string(options_.period.count() / 1000) + " s");
  auto delay = options_.backoff_min;
  for (std::size_t i = 0; i < s.restarts.size() && delay < options_.backoff_max; ++i)
    delay = std::min(delay * 2, options_.backoff_max);
  s.restarts.push_back(now);
  s.restart_at = now + delay;
  observer_.node_restarting(s.node, delay);
}

void local_cluster::check_deadlines() {
  auto now = clock::now();
  if (kill_at_ && *kill_at_ <= now) {
    kill_at_.reset();
    send_signal(being_stopped_->process->pidfd, SIGKILL);
  }
  if (ready_deadline_ && *ready_deadline_ <= now) {
    ready_deadline_.reset();
    auto late = std::find_if(slots_.begin(), slots_.end(), [](auto& x) { return !x.ready; });
    fail_start(cli::exit_unavailable, late->node.name + " was not ready within "
                                          + std::to_string(options_.ready_timeout.count() / 1000)
                                          + " s; its log is beside "
                                          + late->node.command.output.string());
  }
  for (auto& s : slots_)
    if (s.restart_at && *s.restart_at <= now)
      start(s);
}

void local_cluster::give_up(slot& s, const std::string& why) {
  s.given_up = true;
  observer_.node_given_up(s.node, why);
  if (all_ended() && end_.code == 0)
    end_ = {cli::exit_unavailable,
            "no node is left: " + s.node.name + " was the last (" + why + ")"};
}

void local_cluster::fail_start(int code, std::string message) {
  if (end_.code == 0)
    end_ = {code, std::move(message)};
  if (!stopping_)
    begin_stop();
}

void local_cluster::begin_stop() {
  stopping_ = true;
  ready_deadline_.reset();
  for (auto& s : slots_)
    s.restart_at.reset();
  observer_.stopping();
  stop_next();
}

void local_cluster::stop_next() {
  kill_at_.reset();
  being_stopped_ = nullptr;
  for (auto s = slots_.rbegin(); s != slots_.rend(); ++s) {
    if (!s->process)
      continue;
    being_stopped_ = &*s;
    send_signal(s->process->pidfd, SIGTERM);
    kill_at_ = clock::now() + options_.stop_timeout;
    return;
  }
}

bool local_cluster::all_ended() const {
  return std::none_of(slots_.begin(), slots_.end(), [](const slot& s) {
    return s.process.has_value() || s.restart_at.has_value();
  });
}

} // namespace troupe
