#include "tests/support/cluster.hpp"

#include <algorithm>
#include <csignal>
#include <stdexcept>

#include <gtest/gtest.h>
#include <sys/wait.h>

namespace fs = std::filesystem;

namespace troupe::tests {

namespace {

constexpr auto stop_deadline = 30s;

std::vector<std::string> inherited_settings() {
  std::vector<std::string> names;
  for (char** entry = environ; *entry; ++entry)
    if (std::string_view text{*entry}; text.starts_with("TROUPE_") || text.starts_with("OTEL_"))
      names.emplace_back(text.substr(0, text.find('=')));
  return names;
}

std::string command_line(pid_t pid) {
  auto text = read_file("/proc/" + std::to_string(pid) + "/cmdline");
  std::replace(text.begin(), text.end(), '\0', ' ');
  return text;
}

std::vector<std::string> up_command(const cluster_options& options) {
  std::vector<std::string> words{"up", "--nodes", std::to_string(options.nodes), "--json"};
  words.insert(words.end(), options.arguments.begin(), options.arguments.end());
  return words;
}

} // namespace

json command_result::parsed() const {
  auto value = json::parse(out, nullptr, false);
  if (value.is_discarded()) {
    ADD_FAILURE() << "this is not JSON:\n" << shown();
    return nullptr;
  }
  return value;
}

std::string command_result::shown() const {
  return (in_time ? to_string(ended) : "it did not end in time") + "\n-- standard output\n" + out
         + "\n-- standard error\n" + err;
}

home::home(fs::path program) : program_(std::move(program)) {
  for (const char* folder : {"state", "config", "tmp"})
    fs::create_directories(path() / folder);
  set("XDG_STATE_HOME", (path() / "state").string());
  set("XDG_CONFIG_HOME", (path() / "config").string());
  set("TMPDIR", temporary_files().string());
  set("NO_COLOR", "1");
}

void home::set(std::string variable, std::string value) {
  environment_.emplace_back(std::move(variable), std::move(value));
}

process_options home::surroundings() const {
  process_options options;
  options.environment = environment_;
  options.unset = inherited_settings();
  options.folder = path();
  return options;
}

process home::start(std::vector<std::string> arguments, variables environment) const {
  auto options = surroundings();
  options.program = program_;
  options.arguments = std::move(arguments);
  for (auto& variable : environment)
    options.environment.push_back(std::move(variable));
  return process{std::move(options)};
}

process home::start_shell(const std::string& script) const {
  auto options = surroundings();
  options.program = "/bin/sh";
  options.arguments = {"-c", script};
  options.environment.emplace_back("troupe", program_.string());
  return process{std::move(options)};
}

namespace {

command_result end_of(process started, clock::duration at_most) {
  auto deadline = clock::now() + at_most;
  command_result result;
  if (auto ended = started.wait(at_most))
    result.ended = *ended;
  else
    result.in_time = false;
  // Processes that it leaves running must not hold its output: `troupe up --detach | cat` must end.
  if (!started.wait_for_closed_output(std::max<clock::duration>(deadline - clock::now(), 1s)))
    result.in_time = false;
  result.out = started.output();
  result.err = started.errors();
  return result;
}

} // namespace

command_result home::shell(const std::string& script, clock::duration at_most) const {
  return end_of(start_shell(script), at_most);
}

command_result home::on_terminal(const std::string& script, clock::duration at_most) const {
  write_file(path() / "tmp-script.sh", script);
  auto result =
      end_of(start_shell("exec script -qefc 'exec sh ./tmp-script.sh' /dev/null"), at_most);
  fs::remove(path() / "tmp-script.sh");
  return result;
}

command_result home::troupe(std::vector<std::string> arguments, variables environment,
                            clock::duration at_most) const {
  return end_of(start(std::move(arguments), std::move(environment)), at_most);
}

cluster::cluster(const home& where, cluster_options options)
    : up_(where.start(up_command(options), options.environment)) {
  await_event([](const json& event) { return event.value("event", "") == "ready"; });
  if (nodes_.size() != static_cast<std::size_t>(options.nodes))
    throw std::runtime_error("up told of " + std::to_string(nodes_.size()) + " nodes:\n"
                             + up_.output());
}

cluster::~cluster() {
  if (up_.wait(0s))
    return;
  up_.send_signal(SIGTERM);
  if (!up_.wait(stop_deadline))
    ADD_FAILURE() << "up did not stop:\n" << up_.output() << up_.errors();
}

const running_node& cluster::node(std::string_view id_or_name) const {
  for (const auto& node : nodes_)
    if (node.id == id_or_name || node.name == id_or_name)
      return node;
  throw std::runtime_error("no node " + std::string{id_or_name});
}

void cluster::take_note(const json& event) {
  auto what = event.value("event", "");
  if (what != "node_ready" && what != "node_restarted")
    return;
  running_node node{event.at("id"), event.at("name"), event.at("pid"), event.at("address"),
                    event.at("http_address")};
  auto same = [&](const running_node& known) { return known.id == node.id; };
  if (auto known = std::find_if(nodes_.begin(), nodes_.end(), same); known != nodes_.end())
    *known = node;
  else
    nodes_.push_back(node);
}

json cluster::await_event(const std::function<bool(const json&)>& fits, clock::duration at_most) {
  auto deadline = clock::now() + at_most;
  while (auto line = up_.read_line(deadline - clock::now())) {
    auto event = json::parse(*line, nullptr, false);
    if (!event.is_object())
      throw std::runtime_error("up --json printed what is no JSON object: " + *line);
    take_note(event);
    if (fits(event))
      return event;
  }
  throw std::runtime_error("up did not tell what was awaited; it said\n" + up_.output()
                           + up_.errors());
}

pid_t cluster::await_restart(const std::string& name, pid_t before) {
  if (node(name).pid == before)
    await_event([&](const json&) { return node(name).pid != before; });
  return node(name).pid;
}

exit_state cluster::stop() {
  up_.send_signal(SIGTERM);
  auto ended = up_.wait(stop_deadline);
  for (const auto& node : nodes_)
    if (!wait_for_end(node.pid, 1s))
      ADD_FAILURE() << node.name << " still runs after up has ended";
  return ended.value_or(exit_state{-1, 0});
}

std::vector<std::string> end_leftovers() {
  std::vector<std::string> found;
  for (auto left = children(); !left.empty(); left = children()) {
    for (pid_t pid : left) {
      if (is_running(pid)) {
        found.push_back(std::to_string(pid) + " " + command_line(pid));
        ::kill(pid, SIGKILL);
      }
      ::waitpid(pid, nullptr, 0);
    }
  }
  return found;
}

} // namespace troupe::tests
