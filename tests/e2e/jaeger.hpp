#pragma once

#include "config/base/random.hpp"
#include "messages/ids.hpp"
#include "tests/e2e/real_server.hpp"

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

/// A real Jaeger, and what a person would find in it.
namespace troupe::tests {

/// Where a Jaeger takes traces and answers. TROUPE_TEST_JAEGER names the query address of one that
/// runs (and TROUPE_TEST_JAEGER_OTLP where it takes traces); else one is started if it is
/// installed.
class jaeger {
public:
  explicit jaeger(const home& user) {
    if (const char* given = std::getenv("TROUPE_TEST_JAEGER")) {
      query = given;
      const char* taker = std::getenv("TROUPE_TEST_JAEGER_OTLP");
      otlp = taker ? taker : "http://127.0.0.1:4318";
      return;
    }
    auto& own = own_.emplace(user, "jaeger");
    missing = own.missing();
    if (!missing.empty())
      return;
    own.start();
    query = own.setting("JAEGER_QUERY");
    otlp = own.setting("OTLP_HTTP");
  }

  void stop() { own_.reset(); }

  std::string missing; ///< why there is none; empty if there is
  std::string query;
  std::string otlp;

private:
  std::optional<real_server> own_;
};

/// A span as Jaeger's query API gives it.
struct jaeger_span {
  std::string id;
  std::string parent; ///< empty: a root
  std::string name;
  std::string service;
  std::int64_t start_us = 0;
  std::int64_t end_us = 0;
  std::map<std::string, json> tags;
  std::map<std::string, json> process_tags;
  std::vector<json> events;       ///< {"event": NAME, "at_us": TIME, KEY: VALUE}
  std::vector<std::string> links; ///< ids of spans
  std::vector<std::string> warnings;

  json tag(const std::string& key) const {
    auto found = tags.find(key);
    return found == tags.end() ? json{} : found->second;
  }
  bool failed() const { return tag("error") == true; }
  std::vector<json> events_named(std::string_view what) const;
};

struct jaeger_trace {
  std::string id;
  std::vector<jaeger_span> spans;
  std::vector<std::string> warnings;

  std::vector<jaeger_span> named(std::string_view what) const;
  const jaeger_span& one(std::string_view what) const; ///< fails the test unless there is one
  std::set<std::string> operations() const;
  /// Whether every parent is there. Each process exports its spans at times of its own.
  bool joined() const;
};

/// The trace once `whole` holds of it. Jaeger stores spans a moment after it has taken them and
/// tells nobody, so it is asked again until then; after 20 s the trace as it is.
jaeger_trace trace_from(const jaeger& server, const std::string& id,
                        const std::function<bool(const jaeger_trace&)>& whole);

/// What must hold of every trace: one root, every parent there, no warning, every span ends after
/// it began and not after its parent, at most 20 operations, and nothing that docs/traces.md does
/// not list.
void expect_sound(const jaeger_trace& trace);

/// What a program writes that has called `troupe` with a TRACEPARENT: the span that this names, now
/// at its end.
void export_caller(const jaeger& server, trace_id trace, span_id span);
inline constexpr const char* caller_name = "the caller";

/// No test has it before, in a Jaeger that outlives them.
inline std::string new_trace_id() { return to_string(trace_id{random_bits(), random_bits() | 1}); }

/// A Jaeger for the test, which is skipped where none is installed.
class in_jaeger : public e2e_test {
protected:
  void TearDown() override {
    server.stop();
    e2e_test::TearDown();
  }
  void SetUp() override {
    if (server.missing.empty())
      return;
    if (is_required("jaeger"))
      FAIL() << "TROUPE_REQUIRE=jaeger, but there is none: " << server.missing;
    GTEST_SKIP() << "a real Jaeger is needed (with TROUPE_REQUIRE=jaeger this fails): "
                 << server.missing;
  }

  cluster_options seen(variables more = {}, int nodes = 3) const {
    more.emplace_back("TROUPE_TELEMETRY_OTLP_ENDPOINT", server.otlp);
    return {.nodes = nodes, .arguments = {}, .environment = std::move(more)};
  }

  /// The id of the trace that a command of this test has: it gives the parent from outside, or
  /// `troupe trace last` tells.
  std::string last_trace() const {
    return trace_in(user.troupe({"trace", "last", "--json"}).parsed()).id;
  }

  /// Once the command's span is there: it is the last to be made.
  jaeger_trace found(const std::string& id, std::size_t spans = 2) const {
    auto trace = trace_from(server, id, [&](const jaeger_trace& now) {
      return now.spans.size() >= spans && now.joined()
             && std::any_of(now.spans.begin(), now.spans.end(), [](const jaeger_span& span) {
                  return span.name.starts_with("troupe run")
                         || span.name.starts_with("troupe send");
                });
    });
    EXPECT_THAT(trace.spans, ::testing::Not(::testing::IsEmpty()))
        << "Jaeger has nothing of " << id;
    return trace;
  }

  /// Starts a run and waits until a task of it runs on another node than node-1, its owner; that
  /// node's name.
  std::string start_run(const cluster& three, std::vector<std::string> arguments) {
    arguments.insert(arguments.end(), {"--peer", three.node("node-1").address});
    running = std::make_unique<process>(user.start(std::move(arguments)));
    std::string busy;
    await_status(user, [&](const json& status) {
      for (const auto& [name, node] : nodes_in(status))
        if (name != "node-1" && node.at("tasks_running") > 0)
          busy = name;
      return !busy.empty();
    });
    return busy;
  }

  /// Waits until an agent of that node waits for the model, and Jaeger has all that the node has
  /// ended before. The id of the run's trace. The cluster's log has to be at debug.
  std::string await_work_of(const cluster& three, const std::string& node) {
    EXPECT_TRUE(wait_for_line(user.data() / node / "log.jsonl", {"lets the call", "reader#"}, 30s));
    auto run = last_trace();
    std::string agent;
    for (int i = 0; agent.empty() || home_name(three, agent) != node; ++i)
      agent = "echo/k" + std::to_string(i);
    auto sent = user.troupe({"send", agent, "spans leave in the order of their ends"});
    EXPECT_TRUE(sent.ok()) << sent.shown();
    auto after = found(last_trace(), 5);
    EXPECT_EQ(after.one("invoke_agent echo").tag("troupe.node.name"), node);
    return run;
  }

  exit_state end_of_run() {
    auto ended = running->wait(120s);
    running->wait_for_closed_output(10s);
    return ended.value_or(exit_state{});
  }

  jaeger server{user};
  std::unique_ptr<process> running;
};

} // namespace troupe::tests
