#include "nodes/cli/up_reporter.hpp"

#include "nodes/cluster_files.hpp"
#include "telemetry/text_escape.hpp"

#include <csignal>

namespace troupe::cli {

namespace {

json node_record(const char* what, const local_node& node, pid_t pid) {
  return {{"event", what}, {"id", node.id},           {"name", node.name},
          {"pid", pid},    {"address", node.address}, {"http_address", node.http_address}};
}

} // namespace

up_reporter::up_reporter(options given, std::function<void(const std::string&)> line,
                         std::function<void()> when_ready, std::function<void()> when_stopping)
    : given_(std::move(given)), hint_(one_line(given_.hint)), line_(std::move(line)),
      when_ready_(std::move(when_ready)), when_stopping_(std::move(when_stopping)) {}

void up_reporter::tell(const std::string& words, const json& record) {
  line_(given_.as_json ? to_line(record) : coloured_line(words) + "\n");
}

void up_reporter::node_ready(const local_node& node, pid_t pid, bool restarted) {
  auto state = painted(restarted ? "ready again" : "ready", colour::green, given_.colours);
  tell(node.name + " " + state + "  " + node.address + "  http://" + node.http_address + "  pid "
           + std::to_string(pid),
       node_record(restarted ? "node_restarted" : "node_ready", node, pid));
}

void up_reporter::cluster_ready() {
  auto ms =
      std::chrono::duration_cast<std::chrono::milliseconds>(clock::now() - given_.began).count();
  auto ends = given_.detached ? "`troupe down" + hint_ + "` stops it" : "Ctrl-C stops it";
  tell("ready in " + std::to_string(ms) + " ms; data in " + one_line(given_.data.string()) + "; "
           + ends,
       {{"event", "ready"}, {"nodes", given_.nodes}, {"ms", ms}, {"data", given_.data.string()}});
  when_ready_();
}

void up_reporter::node_exited(const local_node& node, pid_t pid, const child_exit& ended) {
  // SIGTERM kills a node that does not handle the signal yet.
  auto state = stopping_ && (ended.code == 0 || ended.signal == SIGTERM)
                   ? painted("stopped", colour::dim, given_.colours)
                   : painted("ended", colour::red, given_.colours) + ": " + to_string(ended);
  const json record{{"event", "node_exited"}, {"id", node.id},
                    {"name", node.name},      {"pid", pid},
                    {"status", ended.code},   {"signal", ended.signal}};
  tell(node.name + " " + state, record);
}

void up_reporter::node_hangs(const local_node& node, pid_t pid, const std::string& why) {
  tell(node.name + " " + painted("hangs", colour::red, given_.colours)
           + " and is killed: " + one_line(why),
       {{"event", "node_hangs"}, {"id", node.id}, {"name", node.name}, {"pid", pid}, {"why", why}});
}

void up_reporter::node_restarting(const local_node& node, std::chrono::milliseconds after,
                                  const std::string& why) {
  tell(node.name + " restarts in " + human_duration(after) + " (" + one_line(why) + ")",
       {{"event", "node_restarting"},
        {"id", node.id},
        {"name", node.name},
        {"after_ms", after.count()},
        {"why", why}});
}

void up_reporter::node_given_up(const local_node& node, const std::string& why) {
  tell(node.name + " " + painted("was given up", colour::red, given_.colours) + ": " + one_line(why)
           + "; `troupe up" + hint_ + "` restarts it",
       {{"event", "node_given_up"}, {"id", node.id}, {"name", node.name}, {"why", why}});
}

void up_reporter::stopping() {
  stopping_ = true;
  when_stopping_();
}

std::string kept_text(const std::filesystem::path& data, const std::string& hint) {
  return "kept in " + one_line(data.string()) + " (" + human_bytes(folder_bytes(data))
         + "): agents' memories, files and logs; `troupe up" + one_line(hint)
         + "` continues with them";
}

json kept_json(const std::filesystem::path& data) {
  return {{"event", "stopped"}, {"data", data.string()}, {"bytes", folder_bytes(data)}};
}

} // namespace troupe::cli
