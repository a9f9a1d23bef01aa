#include "config/config.hpp"
#include "config/limits/messages.hpp"
#include "config/limits/work.hpp"

#include "config/keys.hpp"
#include "config/safety_section.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

using namespace troupe;
using namespace std::chrono_literals;

namespace {

bool has(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

class config : public testing::Test {
protected:
  void SetUp() override {
    auto pattern = (std::filesystem::temp_directory_path() / "troupe-config-XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::filesystem::path file(std::string_view text) {
    auto path = folder_ / "config.yaml";
    std::ofstream(path, std::ios::binary) << text;
    return path;
  }

  static node_config good(const config_sources& sources) {
    auto loaded = load_config(sources);
    EXPECT_TRUE(loaded) << (loaded ? "" : to_string(loaded.error()));
    return loaded ? *loaded : node_config{};
  }

  /// The error message without the folder in front.
  std::string error_of(const config_sources& sources) {
    auto loaded = load_config(sources);
    EXPECT_FALSE(loaded);
    if (loaded)
      return {};
    auto text = to_string(loaded.error());
    auto prefix = folder_.string() + "/";
    return text.starts_with(prefix) ? text.substr(prefix.size()) : text;
  }
  std::string error_in(std::string_view text) { return error_of({file(text), {}, {}}); }
  std::string flag_error(std::string key, std::string value) {
    return error_of({{}, {}, {{std::move(key), std::move(value)}}});
  }

  std::filesystem::path folder_;
};

constexpr std::string_view id_a = "0123456789abcdef0123456789abcdef";
constexpr std::string_view id_b = "ffffffffffffffff0123456789abcdef";

std::string two_members() {
  return "cluster:\n  members:\n    - {id: " + std::string(id_a)
         + ", name: node-1, address: \"127.0.0.1:4701\"}\n    - {id: " + std::string(id_b)
         + ", name: node-2, address: \"127.0.0.1:4702\"}\n";
}

} // namespace

TEST_F(config, without_sources_every_key_has_its_default) {
  auto cfg = good({});
  EXPECT_EQ(cfg.cluster.name, "default");
  EXPECT_EQ(cfg.agents.pool_size, limits::pool_size);
  EXPECT_EQ(cfg.telemetry.sample_ratio, 1.0);
  EXPECT_EQ(cfg.storage.free_min, limits::storage_free_bytes_min);
  EXPECT_EQ(cfg.journal.retention, limits::journal_retention);
  EXPECT_EQ(cfg.runs.durability, run_durability::sync);
  EXPECT_TRUE(cfg.origins.empty());
}

TEST_F(config, every_section_of_a_file_is_read) {
  auto path = file(two_members()
                   + "  name: blue\n  secret_file: /run/secret\n"
                     "node:\n  name: n1\n  id: 0123456789abcdef0123456789abcdef\n"
                     "  listen: \"127.0.0.1:4701\"\n  http_listen: localhost:9100\n"
                     "  data: /var/lib/troupe\n  roles: /etc/troupe/roles\n"
                     "scheduler: {threads: 2, max_throughput: 50}\nagents: {pool_size: 4}\n"
                     "storage: {free_min: 1 GiB}\njournal: {retention: 2d}\n"
                     "runs:\n  durability: async\n"
                     "queue:\n  tasks_max: 99\nmodels:\n  offline_delay: 200ms\n"
                     "telemetry:\n  otlp_endpoint: http://127.0.0.1:4318\n  sample_ratio: 0.01\n"
                     "  log_level: debug\n  log_format: json\n  log_file: /tmp/l\n"
                     "  spans_kept: 5\n");
  auto cfg = good({path, {}, {}});
  EXPECT_EQ(cfg.cluster.name, "blue");
  EXPECT_EQ(cfg.cluster.secret_file, "/run/secret");
  ASSERT_EQ(cfg.cluster.members.size(), 2u);
  EXPECT_EQ(cfg.cluster.members[1].id, id_b);
  EXPECT_EQ(cfg.cluster.members[1].name, "node-2");
  EXPECT_EQ(cfg.cluster.members[1].address, "127.0.0.1:4702");
  EXPECT_EQ(cfg.node.name, "n1");
  EXPECT_EQ(cfg.node.id, id_a);
  EXPECT_EQ(cfg.node.listen, "127.0.0.1:4701");
  EXPECT_EQ(cfg.node.http_listen, "localhost:9100");
  EXPECT_EQ(cfg.node.data, "/var/lib/troupe");
  EXPECT_EQ(cfg.node.roles, "/etc/troupe/roles");
  EXPECT_EQ(cfg.scheduler.threads, 2u);
  EXPECT_EQ(cfg.scheduler.max_throughput, 50u);
  EXPECT_EQ(cfg.agents.pool_size, 4u);
  EXPECT_EQ(cfg.storage.free_min, 1u << 30);
  EXPECT_EQ(cfg.journal.retention, 48h);
  EXPECT_EQ(cfg.runs.durability, run_durability::async);
  EXPECT_EQ(cfg.queue.tasks_max, 99u);
  EXPECT_EQ(cfg.models.offline_delay, 200ms);
  EXPECT_EQ(cfg.telemetry.otlp_endpoint, "http://127.0.0.1:4318");
  EXPECT_EQ(cfg.telemetry.sample_ratio, 0.01);
  EXPECT_EQ(cfg.telemetry.log_level, "debug");
  EXPECT_EQ(cfg.telemetry.log_format, "json");
  EXPECT_EQ(cfg.telemetry.log_file, "/tmp/l");
  EXPECT_EQ(cfg.telemetry.spans_kept, 5u);
}

TEST_F(config, flags_win_over_environment_over_file_over_defaults) {
  auto path = file("node: {name: from-file, data: /from-file}\nqueue: {tasks_max: 1}\n");
  config_sources sources{
      path,
      {{"TROUPE_NODE_NAME", "from-environment"}, {"TROUPE_QUEUE_TASKS_MAX", "2"}},
      {{"node.name", "from-flag"}}};
  auto cfg = good(sources);
  EXPECT_EQ(cfg.node.name, "from-flag");
  EXPECT_EQ(cfg.queue.tasks_max, 2u);
  EXPECT_EQ(cfg.node.data, "/from-file");
  EXPECT_EQ(cfg.agents.pool_size, limits::pool_size);
  EXPECT_EQ(cfg.origins["node.name"], "flag");
  EXPECT_EQ(cfg.origins["queue.tasks_max"], "environment TROUPE_QUEUE_TASKS_MAX");
  EXPECT_EQ(cfg.origins["node.data"], path.string() + ":1");
}

TEST_F(config, a_wrong_value_in_a_file_is_an_error_even_under_a_flag) {
  auto path = file("queue: {tasks_max: none}\n");
  EXPECT_FALSE(load_config({path, {}, {{"queue.tasks_max", "5"}}}));
}

TEST_F(config, unknown_keys_name_their_place_and_the_nearest_key) {
  EXPECT_EQ(error_in("cluster:\n  name: a\n  colour: red\n"),
            "config.yaml:3:3: cluster.colour is not a key of the configuration; expected one of "
            "name, secret_file, members");
  EXPECT_EQ(error_in("node:\n  lisen: 127.0.0.1:0\n"),
            "config.yaml:2:3: node.lisen is not a key of the configuration (did you mean listen?)");
  EXPECT_EQ(error_in("telemtry: {}\n"), "config.yaml:1:1: telemtry is not a section of the "
                                        "configuration (did you mean telemetry?)");
  EXPECT_EQ(flag_error("node.lisen", "x"), "command line: node.lisen is not a key of the "
                                           "configuration (did you mean node.listen?)");
}

TEST_F(config, wrong_types_name_their_place_and_what_was_expected) {
  EXPECT_EQ(error_in("queue:\n  tasks_max: many\n"),
            "config.yaml:2:14: queue.tasks_max: expected a whole number from 1 to 1000000, found "
            "\"many\"");
  EXPECT_TRUE(has(error_in("queue:\n  tasks_max: \"5\"\n"), "found the text \"5\""));
  EXPECT_TRUE(has(error_in("queue:\n  tasks_max: [5]\n"), "found a list"));
  EXPECT_TRUE(has(error_in("node:\n  name:\n"), "node.name: expected name, found nothing"));
  EXPECT_TRUE(has(error_in("node: 5\n"), "config.yaml:1:7: node: expected a mapping, found \"5\""));
  EXPECT_TRUE(has(error_in("[1, 2]\n"), "config.yaml:1:1: expected a mapping, found a list"));
  EXPECT_TRUE(has(error_in("models: {offline_delay: 200}\n"), "expected a duration"));
  EXPECT_TRUE(has(error_in("storage: {free_min: 1GB}\n"), "expected an amount of bytes"));
  EXPECT_TRUE(has(error_in("runs: {durability: always}\n"),
                  "expected one of sync, async, off, found \"always\""));
  EXPECT_TRUE(has(error_in("telemetry: {log_level: loud}\n"),
                  "expected one of debug, info, warning, error, off, found \"loud\""));
}

TEST_F(config, values_out_of_range_are_refused) {
  EXPECT_TRUE(has(flag_error("queue.tasks_max", "0"), "from 1 to 1000000, found \"0\""));
  EXPECT_TRUE(has(flag_error("queue.tasks_max", "1000001"), "from 1 to 1000000"));
  EXPECT_TRUE(has(flag_error("queue.tasks_max", "-1"), "whole number"));
  EXPECT_TRUE(has(flag_error("scheduler.threads", "99999999999999999999"), "whole number"));
  EXPECT_TRUE(has(flag_error("telemetry.sample_ratio", "1.01"), "number from 0 to 1"));
  EXPECT_TRUE(has(flag_error("telemetry.sample_ratio", "nan"), "number from 0 to 1"));
  EXPECT_TRUE(has(flag_error("models.offline_delay", "2h"), "at most 1h"));
  EXPECT_TRUE(has(flag_error("storage.free_min", "2TiB"), "at most 1TiB"));
  EXPECT_TRUE(has(flag_error("journal.retention", "366d"), "at most"));
  EXPECT_TRUE(has(flag_error("node.id", "123"), "32 hex digits"));
  EXPECT_TRUE(has(flag_error("node.id", std::string(32, '0')), "not all of them zero"));
  EXPECT_TRUE(has(flag_error("cluster.name", ""), "1 to 64 letters"));
  EXPECT_TRUE(has(flag_error("cluster.name", "a b"), "1 to 64 letters"));
  EXPECT_TRUE(has(flag_error("cluster.name", std::string(65, 'a')), "1 to 64 letters"));
}

TEST_F(config, addresses_beyond_this_machine_are_refused_with_the_reason) {
  EXPECT_TRUE(has(error_in("node:\n  listen: 0.0.0.0:4700\n"),
                  "config.yaml:2:11: node.listen: expected a loopback address"));
  EXPECT_TRUE(has(flag_error("node.http_listen", "10.0.0.1:80"), "no TLS yet"));
  EXPECT_TRUE(has(flag_error("node.listen", "localhost"), "expected HOST:PORT"));
}

TEST_F(config, an_otlp_endpoint_is_an_address_of_http) {
  for (auto well : {"", "none", "http://collector.example:4318", "https://x/api/public/otel"})
    good({{}, {}, {{"telemetry.otlp_endpoint", well}}});
  for (auto bad : {"127.0.0.1:4318", "http://", "nowhere"})
    EXPECT_TRUE(has(flag_error("telemetry.otlp_endpoint", bad), "http://HOST:PORT")) << bad;
}

TEST_F(config, a_password_in_an_address_is_written_for_nodes_and_hidden_from_people) {
  auto cfg = good({{}, {}, {{"telemetry.otlp_endpoint", "http://me:hunter2@x:4318"}}});
  EXPECT_TRUE(has(show_config(cfg), "hunter2"));
  EXPECT_FALSE(has(show_config(cfg, secrets::hidden), "hunter2"));
  EXPECT_TRUE(has(show_config(cfg, secrets::hidden), "http://x:4318"));
}

TEST_F(config, the_variables_of_opentelemetry_are_kept_and_its_sampler_is_the_least) {
  std::map<std::string, std::string> variables{{"OTEL_TRACES_SAMPLER", "traceidratio"},
                                               {"OTEL_TRACES_SAMPLER_ARG", "0.5"},
                                               {"OTEL_SERVICE_NAME", "ours"}};
  auto cfg = good({{}, variables, {}});
  EXPECT_EQ(cfg.telemetry.sample_ratio, 0.5);
  EXPECT_EQ(cfg.telemetry.otel.at("OTEL_SERVICE_NAME"), "ours");
  EXPECT_TRUE(has(show_config(cfg), "environment OTEL_TRACES_SAMPLER"));
  variables["TROUPE_TELEMETRY_SAMPLE_RATIO"] = "0.25";
  EXPECT_EQ(good({{}, variables, {}}).telemetry.sample_ratio, 0.25);
}

TEST_F(config, duplicate_keys_and_bad_syntax_are_refused) {
  EXPECT_EQ(error_in("node:\n  name: a\n  name: b\n"),
            "config.yaml:3:3: the key \"name\" occurs twice, first in line 2");
  auto open = error_in("node:\n  name: [a\n");
  EXPECT_TRUE(open.starts_with("config.yaml:2:") && has(open, "not valid YAML")) << open;
  EXPECT_TRUE(error_in("node:\n\tname: a\n").starts_with("config.yaml:2:6: not valid YAML"));
}

TEST_F(config, empty_files_and_sections_are_fine_and_missing_files_are_not) {
  good({file(""), {}, {}});
  good({file("telemetry:\n  # sample_ratio: 1\n"), {}, {}});
  EXPECT_TRUE(has(error_of({folder_ / "none.yaml", {}, {}}), "No such file"));
  EXPECT_TRUE(has(error_of({folder_, {}, {}}), "found a folder"));
}

TEST_F(config, unknown_variables_are_errors_but_those_of_other_parts_are_not) {
  good({{},
        {{"TROUPE_REQUIRE", "jaeger"},
         {"TROUPE_TEST_SEED", "1"},
         {"TROUPE_DATA", "x"},
         {"TROUPE_PEER", "x"},
         {"TROUPE_SECRET_FILE", "x"},
         {"TROUPE_CONFIG", "x"},
         {"TROUPE_JAEGER_PORT", "16686"},
         {"TROUPE_JAEGER_OTLP_PORT", "4318"},
         {"TROUPE_LLAMA_PORT", "8088"},
         {"TROUPE_SERVERS", "x"},
         {"TROUPE_JOBS", "2"},
         {"HOME", "x"}},
        {}});
  EXPECT_EQ(error_of({{}, {{"TROUPE_NODE_NAMES", "x"}}, {}}),
            "environment: TROUPE_NODE_NAMES is not a variable of the configuration (did you mean "
            "TROUPE_NODE_NAME?)");
  EXPECT_EQ(error_of({{}, {{"TROUPE_QUEUE_TASKS_MAX", "x"}}, {}}),
            "environment: TROUPE_QUEUE_TASKS_MAX: expected a whole number from 1 to 1000000, found "
            "\"x\"");
  EXPECT_TRUE(has(error_of({{}, {{"TROUPE_CLUSTER_MEMBERS", "x"}}, {}}), "in a file only"));
}

TEST_F(config, variables_that_kubernetes_sets_for_services_are_not_ours) {
  good({{},
        {{"TROUPE_SERVICE_HOST", "10.0.0.11"},
         {"TROUPE_SERVICE_PORT", "4700"},
         {"TROUPE_SERVICE_PORT_LINKS", "4700"},
         {"TROUPE_PORT", "tcp://10.0.0.11:4700"},
         {"TROUPE_PORT_4700_TCP", "tcp://10.0.0.11:4700"},
         {"TROUPE_PORT_4700_TCP_PROTO", "tcp"},
         {"TROUPE_PORT_4700_TCP_PORT", "4700"},
         {"TROUPE_PORT_4700_TCP_ADDR", "10.0.0.11"},
         {"TROUPE_PORT_53_UDP_ADDR", "10.0.0.11"},
         {"TROUPE_NODE_1_SERVICE_HOST", "10.0.0.12"},
         {"TROUPE_NODE_1_PORT", "udp://10.0.0.12:1"},
         {"TROUPE_HTTP_PORT_80_TCP", "tcp://10.0.0.12:80"}},
        {}});
  for (auto misspelt : {"TROUPE_PORT", "TROUPE_NODE_PORT", "TROUPE_PORT_4700", "TROUPE_PORT_X_TCP",
                        "TROUPE_PORT_4700_TCP_NAME", "TROUPE_SERVICE", "TROUPE_SERVICE_PORT"})
    EXPECT_TRUE(has(error_of({{}, {{misspelt, "a word"}}, {}}), "is not a variable")) << misspelt;
}

TEST_F(config, the_environment_of_the_process_is_read_by_prefix) {
  setenv("TROUPE_NODE_NAME", "a=b", 1);
  setenv("TROUPEX", "1", 1);
  auto found = troupe_environment();
  unsetenv("TROUPE_NODE_NAME");
  unsetenv("TROUPEX");
  EXPECT_EQ(found["TROUPE_NODE_NAME"], "a=b");
  EXPECT_EQ(found.count("TROUPEX"), 0u);
}

TEST_F(config, members_are_checked_one_by_one_and_together) {
  auto member = [](std::string fields) { return "cluster:\n  members:\n    - {" + fields + "}\n"; };
  auto id = "id: " + std::string(id_a);
  EXPECT_EQ(error_in(member("id: 12, name: n, address: 127.0.0.1:1")),
            "config.yaml:3:12: id of a member: expected 32 hex digits, not all of them zero, found "
            "\"12\"");
  EXPECT_TRUE(has(error_in(member(id + ", name: n")), "a member: address is missing"));
  EXPECT_TRUE(has(error_in(member(id + ", name: n, address: 127.0.0.1:0")), "others can dial"));
  EXPECT_TRUE(has(error_in(member(id + ", name: n, address: 10.0.0.1:5")), "loopback"));
  EXPECT_TRUE(has(error_in(member(id + ", name: n, address: 127.0.0.1:1, port: 2")),
                  "a member has no key \"port\""));
  EXPECT_TRUE(has(error_in("cluster: {members: 5}\n"), "expected a list of {id, name, address}"));
  auto twice = two_members();
  twice.replace(twice.find("node-2"), 6, "node-1");
  EXPECT_TRUE(has(error_in(twice), "config.yaml:4:")) << error_in(twice);
  EXPECT_TRUE(has(error_in(twice), "two members have the name node-1"));
  std::string many = "cluster:\n  members:\n";
  for (std::size_t i = 0; i <= limits::members_max; ++i)
    many += "    - {}\n";
  EXPECT_TRUE(has(error_in(many), "at most 64 members, found 65"));
}

TEST_F(config, a_node_must_be_one_of_its_members) {
  auto path = file(two_members());
  good({path, {}, {{"node.id", "FFFFFFFFFFFFFFFF0123456789ABCDEF"}}});
  EXPECT_TRUE(has(error_of({path, {}, {{"node.id", "11111111111111111111111111111111"}}}),
                  "expected the id of one of cluster.members"));
}

TEST_F(config, what_is_shown_is_read_back_the_same) {
  auto path = file(two_members()
                   + "node: {name: n.1, data: \"/a b/\\\"c\\\"\\\\d: #e\", roles: ~x}\n"
                     "telemetry: {sample_ratio: 0.1, log_file: \"null\"}\n");
  auto first = good({path, {{"TROUPE_AGENTS_POOL_SIZE", "3"}}, {{"models.offline_delay", "90s"}}});
  auto shown = show_config(first);
  auto second = good({file(shown), {}, {}});
  EXPECT_EQ(second.node.data, "/a b/\"c\"\\d: #e");
  EXPECT_EQ(second.node.roles, "~x");
  EXPECT_EQ(second.telemetry.log_file, "null");
  EXPECT_EQ(second.models.offline_delay, 90s);
  ASSERT_EQ(second.cluster.members.size(), 2u);
  EXPECT_EQ(second.cluster.members[0].address, "127.0.0.1:4701");
  for (const auto& key : config_keys())
    EXPECT_EQ(key.get(second), key.get(first)) << key.name;
  second.origins = first.origins;
  EXPECT_EQ(show_config(second), shown);
}

TEST_F(config, what_is_shown_says_where_each_value_came_from) {
  auto path = file("queue:\n  tasks_max: 7\n");
  auto cfg = good({path, {{"TROUPE_NODE_NAME", "x"}}, {{"cluster.name", "y"}}});
  cfg.node.data = "/chosen";
  auto shown = show_config(cfg);
  auto line_of = [&](std::string_view begin) {
    auto at = shown.find("  " + std::string(begin) + ":");
    EXPECT_NE(at, std::string::npos) << begin;
    return shown.substr(at, shown.find('\n', at) - at);
  };
  EXPECT_TRUE(line_of("tasks_max").ends_with("# " + path.string() + ":2")) << shown;
  EXPECT_TRUE(line_of("data").ends_with("# set by the program")) << shown;
  EXPECT_TRUE(line_of("threads").ends_with("# default")) << shown;
  EXPECT_TRUE(has(shown, "name: x") && has(shown, "# environment TROUPE_NODE_NAME")) << shown;
  EXPECT_TRUE(has(shown, "name: y") && has(shown, "# flag")) << shown;
}

TEST_F(config, every_key_is_described_in_one_line) {
  auto text = describe_config();
  std::size_t lines = 0;
  for (auto c : text)
    lines += c == '\n';
  EXPECT_EQ(lines, config_keys().size() + describe_providers().size() + describe_safety().size());
  for (const auto& key : config_keys()) {
    EXPECT_TRUE(has(text, key.name)) << key.name;
    EXPECT_TRUE(has(text, key.help)) << key.name;
    EXPECT_EQ(find_config_key(key.name), &key);
  }
}

TEST_F(config, every_default_is_a_value_that_its_own_key_accepts) {
  for (const auto& key : config_keys()) {
    if (key.kind == key_kind::members)
      continue;
    node_config cfg;
    EXPECT_TRUE(key.set(cfg, key.get(cfg))) << key.name;
  }
}

TEST_F(config, text_that_is_no_utf8_is_refused_wherever_it_comes_from) {
  EXPECT_TRUE(has(flag_error("node.listen", "127.0.0.1:\xe9"), "expected UTF-8 text"));
  EXPECT_TRUE(has(error_of({{}, {{"TROUPE_CLUSTER_NAME", "caf\xe9"}}, {}}), "expected UTF-8 text"));
  EXPECT_TRUE(
      has(error_in("cluster:\n  name: caf\xe9\n"), "config.yaml:2:12: expected UTF-8 text"));
}

TEST_F(config, a_path_of_any_bytes_goes_beside_the_file) {
  node_config cfg;
  cfg.node.data = "/data/caf\xe9";
  cfg.node.name = "node-1";
  auto shown = show_config(cfg);
  auto read = good({file(shown), {}, {}});
  EXPECT_EQ(read.node.name, "node-1");
  EXPECT_EQ(flags_beside_file(cfg), (std::vector<std::string>{"--set", "node.data=/data/caf\xe9"}));
  read = good({file(shown), {}, {{"node.data", "/data/caf\xe9"}}});
  EXPECT_EQ(read.node.data, cfg.node.data);
  EXPECT_TRUE(flags_beside_file(node_config{}).empty());
}
