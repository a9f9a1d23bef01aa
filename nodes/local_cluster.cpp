#include "nodes/local_cluster.hpp"

#include "nodes/exit_codes.hpp"
#include "nodes/last_words.hpp"

#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include <nlohmann/json.hpp>

namespace troupe {

using namespace std::chrono_literals;

namespace {

using json = nlohmann::json;

/// Damaged data and a wrong configuration stay wrong.
bool starting_again_helps(const child_exit& ended) {
  return ended.signal != 0
         || (ended.code != exit_damaged && ended.code != exit_config && ended.code != exit_usage);
}

/// Whether the exit code already names the cause, such as a disk that cannot be written.
bool names_its_cause(const child_exit& ended) {
  return ended.signal == 0 && (!starting_again_helps(ended) || ended.code == exit_cannot_write);
}

std::int64_t unix_ms_in(std::chrono::milliseconds time) {
  auto at = std::chrono::system_clock::now() + time;
  return std::chrono::duration_cast<std::chrono::milliseconds>(at.time_since_epoch()).count();
}

} // namespace

local_cluster::local_cluster(local_cluster_options options, cluster_observer& observer)
    : options_(std::move(options)), observer_(observer) {
  for (auto& node : options_.nodes)
    slots_.emplace_back().node = std::move(node);
}

local_cluster_end local_cluster::run() {
  turn_at_ = clock::now();
  ready_deadline_ = turn_at_ + options_.ready_timeout;
  for (auto& s : slots_)
    if (stage_ != stage::stopping)
      start(s);
  while (!all_ended())
    poll_once();
  return end_;
}

void local_cluster::start(node_slot& s) {
  s.next_try.reset();
  s.heard_at.reset();
  s.ready_at.reset();
  s.line.clear();
  s.said.clear();
  s.hung.clear();
  s.phase = node_phase::starting;
  changed_ = true;
  s.log_from = size_of(s.node.log);
  auto started = spawn(s.node.command);
  if (started) {
    s.listen_by = clock::now() + options_.ready_timeout;
    s.process.emplace(std::move(*started));
    return;
  }
  if (stage_ == stage::running)
    wait_for(s, started.error().message);
  else
    fail_start(exit_unavailable, s.node.name + " cannot be started: " + started.error().message);
}

void local_cluster::poll_once() {
  publish();
  std::vector<pollfd> watched{{options_.stop_fd, POLLIN, 0}, {options_.start_fd, POLLIN, 0}};
  std::vector<std::pair<node_slot*, bool>> meaning{{}, {}}; // bool: it is the ready pipe
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
  auto wait = until_next_deadline();
  auto events = ::poll(watched.data(), watched.size(), static_cast<int>(wait.count()));
  leave_out_stop(wait);
  if (events > 0) {
    if (watched[0].revents != 0)
      on_stop_requested();
    if (watched[1].revents != 0)
      on_start_requested();
    for (std::size_t i = 2; i < watched.size(); ++i) {
      auto [s, is_ready_pipe] = meaning[i];
      if (watched[i].revents == 0 || !s->process)
        continue;
      if (is_ready_pipe)
        on_ready_pipe(*s);
      else
        on_exit(*s);
    }
  }
  leave_out_stop(0ms);
  check_deadlines(); // after the pipes, so that signs of life that came while we were stopped count
}

void local_cluster::on_stop_requested() {
  std::array<char, 128> note; // the number of an eventfd or the record of a signalfd
  if (::read(options_.stop_fd, note.data(), note.size()) <= 0)
    return;
  if (stage_ != stage::stopping) {
    stop_asked_at_ = clock::now();
    return begin_stop();
  }
  // One request may arrive as two signals: timeout(1) signals its child and then the child's group.
  if (stop_asked_at_ && clock::now() - *stop_asked_at_ < options_.insist_after)
    return;
  for (auto& s : slots_) // asked twice: kill at once
    if (s.process)
      send_signal(s.process->pidfd, SIGKILL);
}

void local_cluster::on_start_requested() {
  std::array<char, 128> note;
  if (::read(options_.start_fd, note.data(), note.size()) <= 0 || stage_ == stage::stopping)
    return;
  ++asked_;
  changed_ = true;
  for (auto& s : slots_) {
    if (s.process)
      continue;
    s.tries = 0;
    start(s);
  }
}

void local_cluster::on_ready_pipe(node_slot& s) {
  std::array<char, 4096> bytes;
  auto got = ::read(s.process->ready.get(), bytes.data(), bytes.size());
  if (got < 0 && (errno == EAGAIN || errno == EINTR))
    return;
  if (got <= 0 || s.line.size() > limits::node_ready_line_bytes_max) {
    s.process->ready = file_handle{};
    return;
  }
  s.line.append(bytes.data(), static_cast<std::size_t>(got));
  for (auto end = s.line.find('\n'); end != std::string::npos; end = s.line.find('\n')) {
    on_ready_line(s, std::string_view(s.line).substr(0, end));
    s.line.erase(0, end + 1);
  }
}

void local_cluster::on_ready_line(node_slot& s, std::string_view text) {
  auto said = json::parse(text, nullptr, false);
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
  if (what == "failed")
    text_of("message", s.said);
  if (what == "pulse")
    s.heard_at = clock::now();
  if (what == "listening" && s.phase == node_phase::starting) {
    s.phase = node_phase::joining;
    s.listen_by.reset();
    changed_ = true;
    if (said.value("pulses", json(false)) == json(true))
      s.heard_at = clock::now();
  }
  if (what == "ready" && s.phase != node_phase::ready)
    on_ready(s);
}

void local_cluster::on_ready(node_slot& s) {
  s.phase = node_phase::ready;
  s.ready_at = clock::now();
  s.listen_by.reset();
  s.why.clear();
  changed_ = true;
  publish(); // before an observer acts on it
  observer_.node_ready(s.node, s.process->pid, s.was_ready);
  s.was_ready = true;
  auto is_ready = [](const node_slot& x) { return x.phase == node_phase::ready; };
  if (stage_ == stage::starting && std::all_of(slots_.begin(), slots_.end(), is_ready)) {
    stage_ = stage::running;
    ready_deadline_.reset();
    observer_.cluster_ready();
  }
}

void local_cluster::on_exit(node_slot& s) {
  on_ready_pipe(s); // read what it wrote before it ended
  auto ended = reap(*s.process);
  auto pid = s.process->pid;
  if (s.ready_at && clock::now() - *s.ready_at >= options_.period)
    s.tries = 0;
  s.listen_by.reset();
  auto said = words_of(s, ended.signal == 0 && ended.code != 0);
  s.process.reset();
  changed_ = true;
  observer_.node_exited(s.node, pid, ended);
  if (stage_ == stage::stopping) {
    if (being_stopped_ == &s)
      stop_next();
    return;
  }
  auto words = to_string(ended) + (said.empty() ? "" : ": " + said);
  if (stage_ == stage::running)
    return plan_restart(s, ended, s.hung.empty() ? words : s.hung);
  fail_start(names_its_cause(ended) ? ended.code : exit_unavailable,
             s.node.name + " ended before it was ready (" + to_string(ended)
                 + (said.empty() ? ")" : "): " + said));
}

/// What the process of a slot reported about its trouble.
std::string local_cluster::words_of(const node_slot& s, bool with_log) const {
  if (!s.said.empty())
    return s.said;
  auto words = last_words(s.node.command.output, s.process ? s.process->output_from : 0);
  return words.empty() && with_log ? last_trouble(s.node.log, s.log_from) : words;
}

void local_cluster::plan_restart(node_slot& s, const child_exit& ended, const std::string& why) {
  if (!options_.restart)
    return give_up(s, "--no-restart is set (" + why + ")");
  if (!starting_again_helps(ended))
    return give_up(s, why);
  wait_for(s, why);
}

void local_cluster::wait_for(node_slot& s, const std::string& why) {
  auto pause = options_.backoff_min;
  for (std::uint32_t i = 0; i < s.tries && pause < options_.backoff_max; ++i)
    pause = std::min(pause * 2, options_.backoff_max);
  ++s.tries;
  s.phase = node_phase::waiting;
  s.why = why;
  s.next_try = clock::now() + pause;
  changed_ = true;
  publish();
  observer_.node_restarting(s.node, pause, why);
}

void local_cluster::give_up(node_slot& s, const std::string& why) {
  s.phase = node_phase::given_up;
  s.why = why;
  changed_ = true;
  publish();
  observer_.node_given_up(s.node, why);
  if (all_ended() && end_.code == 0)
    end_ = {exit_unavailable, "no node is left: " + s.node.name + " was the last (" + why + ")"};
}

void local_cluster::fail_start(int code, std::string message) {
  if (end_.code == 0)
    end_ = {code, std::move(message)};
  if (stage_ != stage::stopping)
    begin_stop();
}

void local_cluster::begin_stop() {
  stage_ = stage::stopping;
  ready_deadline_.reset();
  for (auto& s : slots_)
    s.next_try.reset();
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
  return std::none_of(slots_.begin(), slots_.end(), [](const node_slot& s) {
    return s.process.has_value() || s.next_try.has_value();
  });
}

void local_cluster::publish() {
  if (!std::exchange(changed_, false))
    return;
  std::vector<supervised_node> nodes;
  for (const auto& s : slots_) {
    auto& told = nodes.emplace_back();
    told.name = s.node.name;
    told.phase = s.phase;
    told.pid = s.process ? s.process->pid : 0;
    told.tries = s.tries;
    told.why = s.why;
    if (s.next_try)
      told.next_try_unix_ms =
          unix_ms_in(std::chrono::ceil<std::chrono::milliseconds>(*s.next_try - clock::now()));
  }
  options_.publish(std::move(nodes), asked_);
}

} // namespace troupe
