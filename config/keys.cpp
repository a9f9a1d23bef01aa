#include "config/keys.hpp"

#include "config/base/host_port.hpp"
#include "config/base/utf8.hpp"
#include "config/byte_counts.hpp"
#include "config/durations.hpp"
#include "config/otlp_target.hpp"
#include "config/yaml.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

namespace troupe {

namespace {

using set_result = outcome<void, std::string>;

template <class Number>
std::string to_text(Number value) {
  std::array<char, 32> buffer;
  auto [end, error] = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value);
  return {buffer.data(), end};
}

template <class Number>
bool parse_number(std::string_view text, Number& value) {
  auto end = text.data() + text.size();
  auto [stopped, error] = std::from_chars(text.data(), end, value);
  return error == std::errc{} && stopped == end;
}

// Each maker takes `at`, which gives the member of a configuration: const for reading, otherwise
// for writing.

template <class At, class Number>
config_key number_key(std::string_view key, At at, Number min, Number max, std::string_view help) {
  constexpr auto kind = std::is_integral_v<Number> ? "whole number from " : "number from ";
  auto type = kind + to_text(min) + " to " + to_text(max);
  auto set = [=](node_config& cfg, std::string_view text) -> set_result {
    Number value{};
    if (!parse_number(text, value) || !(value >= min && value <= max))
      return mismatch("a " + type, text);
    at(cfg) = value;
    return {};
  };
  return {key,  key_kind::number,
          type, help,
          set,  [=](const node_config& cfg) { return to_text(at(cfg)); }};
}

template <class At>
config_key duration_key(std::string_view key, At at, std::chrono::milliseconds max,
                        std::string_view help) {
  auto type = "duration (" + std::string(duration_examples) + "), at most " + format_duration(max);
  auto set = [=](node_config& cfg, std::string_view text) -> set_result {
    auto time = parse_duration(text);
    if (!time || *time > max)
      return mismatch("a " + type, text);
    at(cfg) = *time;
    return {};
  };
  return {key,  key_kind::text,
          type, help,
          set,  [=](const node_config& cfg) { return format_duration(at(cfg)); }};
}

template <class At>
config_key bytes_key(std::string_view key, At at, std::uint64_t max, std::string_view help) {
  auto type = "amount of bytes (" + std::string(byte_count_examples) + "), at most "
              + format_byte_count(max);
  auto set = [=](node_config& cfg, std::string_view text) -> set_result {
    auto bytes = parse_byte_count(text);
    if (!bytes || *bytes > max)
      return mismatch("an " + type, text);
    at(cfg) = *bytes;
    return {};
  };
  return {key,  key_kind::text,
          type, help,
          set,  [=](const node_config& cfg) { return format_byte_count(at(cfg)); }};
}

template <class At, class Check>
config_key text_key(std::string_view key, At at, std::string type, Check check,
                    std::string_view help) {
  auto set = [=](node_config& cfg, std::string_view text) -> set_result {
    auto checked = check(text);
    if (checked)
      at(cfg) = std::string(text);
    return checked;
  };
  return {key, key_kind::text, std::move(type), help, set, [=](const node_config& cfg) {
            return std::string(at(cfg));
          }};
}

template <class At>
config_key path_key(std::string_view key, At at, std::string_view help) {
  auto check = [](std::string_view text) -> set_result {
    if (text.find('\0') != std::string_view::npos)
      return mismatch("a path", text);
    return {};
  };
  return text_key(key, at, "path", check, help);
}

template <class At>
config_key choice_key(std::string_view key, At at, const std::vector<std::string_view>& choices,
                      std::string_view help) {
  std::string type;
  for (auto choice : choices)
    type += (type.empty() ? "" : ", ") + std::string(choice);
  auto check = [choices, type](std::string_view text) -> set_result {
    if (std::find(choices.begin(), choices.end(), text) == choices.end())
      return mismatch("one of " + type, text);
    return {};
  };
  return text_key(key, at, type, check, help);
}

set_result check_listen(std::string_view text) {
  if (auto parsed = parse_listen(text); !parsed)
    return unexpected{std::move(parsed).error()};
  return {};
}

set_result check_optional_id(std::string_view text) {
  return text.empty() ? set_result{} : check_node_id(text);
}

set_result check_otlp_endpoint(std::string_view text) {
  if (text.empty() || text == otlp_nowhere)
    return {};
  if (auto parsed = parse_otlp_url(text, otlp_path::base); !parsed)
    return unexpected{std::move(parsed).error()};
  return {};
}

set_result check_service_name(std::string_view text) {
  constexpr std::size_t bytes_max = 128;
  auto visible = std::all_of(text.begin(), text.end(), [](char c) {
    auto byte = static_cast<unsigned char>(c);
    return byte >= 0x20 && byte != 0x7f;
  });
  if (text.size() > bytes_max || !visible || !is_utf8(text))
    return mismatch("at most 128 bytes of visible text, such as troupe/{node}", text);
  return {};
}

config_key durability_key() {
  static constexpr std::array<std::string_view, 3> words{"off", "async", "sync"}; // as the enum
  auto set = [](node_config& cfg, std::string_view text) -> set_result {
    auto found = std::find(words.begin(), words.end(), text);
    if (found == words.end())
      return mismatch("one of sync, async, off", text);
    cfg.runs.durability = static_cast<run_durability>(found - words.begin());
    return {};
  };
  return {"runs.durability",
          key_kind::text,
          "sync, async, off",
          "of runs that do not say it themselves. sync: what was acknowledged is on disk; async: "
          "all but the last 100 ms; off: nothing outlives the node",
          set,
          [](const node_config& cfg) {
            return std::string{words[static_cast<std::size_t>(cfg.runs.durability)]};
          }};
}

config_key members_key() {
  auto set = [](node_config&, std::string_view) -> set_result {
    return unexpected<std::string>{"can be set in a file only"};
  };
  return {"cluster.members",
          key_kind::members,
          "list of {id, name, address}",
          "all members of the cluster, this node included",
          set,
          [](const node_config&) { return std::string("[]"); }};
}

std::vector<config_key> make_table() {
#define TROUPE_AT(member)                                                                          \
  [](auto& cfg) -> auto& { return cfg.member; }
  std::vector<config_key> t;
  t.push_back(text_key("cluster.name", TROUPE_AT(cluster.name), "name", check_plain_name,
                       "nodes and clients of another cluster are refused"));
  t.push_back(path_key("cluster.secret_file", TROUPE_AT(cluster.secret_file),
                       "the shared secret: 64 hex digits in a file of mode 0600"));
  t.push_back(members_key());
  t.push_back(text_key("node.name", TROUPE_AT(node.name), "name", check_plain_name,
                       "what people call this node"));
  t.push_back(text_key("node.id", TROUPE_AT(node.id), "32 hex digits", check_optional_id,
                       "empty: the one kept in the data folder, made at first start"));
  t.push_back(text_key("node.listen", TROUPE_AT(node.listen), "HOST:PORT", check_listen,
                       "for links; a loopback address; port 0: any free one"));
  t.push_back(text_key("node.http_listen", TROUPE_AT(node.http_listen), "HOST:PORT", check_listen,
                       "for /metrics and /health; a loopback address; port 0: any free one"));
  t.push_back(path_key("node.data", TROUPE_AT(node.data), "the node's data folder"));
  t.push_back(path_key("node.roles", TROUPE_AT(node.roles),
                       "folder of more role files; empty: only the built-in roles"));
  t.push_back(number_key("scheduler.threads", TROUPE_AT(scheduler.threads), 0u, 1'024u,
                         "0: one for each core that this process may use"));
  t.push_back(number_key("scheduler.max_throughput", TROUPE_AT(scheduler.max_throughput), 1u,
                         1'000'000u, "messages an actor works on before it yields"));
  t.push_back(number_key("agents.pool_size", TROUPE_AT(agents.pool_size), 1u, 10'000u,
                         "agents that do tasks, per role and node"));
  t.push_back(duration_key("agents.idle", TROUPE_AT(agents.idle), std::chrono::hours(24),
                           "an agent that has had nothing to do for this long leaves memory; "
                           "its next message brings it back"));
  t.push_back(duration_key("storage.blob_keep", TROUPE_AT(storage.blob_keep),
                           std::chrono::hours(24 * 365),
                           "a blob that nobody names is deleted this long after its last use; a "
                           "message or an upload that takes longer may miss it"));
  t.push_back(bytes_key("storage.free_min", TROUPE_AT(storage.free_min), std::uint64_t{1} << 40,
                        "with less space on the disk of node.data a node takes no new runs, "
                        "documents and facts; runs that it has accepted go on"));
  t.push_back(duration_key("journal.retention", TROUPE_AT(journal.retention),
                           std::chrono::hours(24 * 365),
                           "a durable run is forgotten this long after its end"));
  t.push_back(durability_key());
  t.push_back(number_key("queue.tasks_max", TROUPE_AT(queue.tasks_max), 1u, 1'000'000u,
                         "tasks that wait on this node before it refuses more"));
  t.push_back(duration_key("models.offline_delay", TROUPE_AT(models.offline_delay),
                           std::chrono::hours(1),
                           "each call of the offline model takes at least this long"));
  t.push_back(text_key("telemetry.otlp_endpoint", TROUPE_AT(telemetry.otlp_endpoint),
                       "http(s)://HOST:PORT", check_otlp_endpoint,
                       "where traces are sent by OTLP; empty: as OTEL_EXPORTER_OTLP_* says; none: "
                       "nowhere"));
  t.push_back(text_key("telemetry.service_name", TROUPE_AT(telemetry.service_name), "name",
                       check_service_name,
                       "what traces call this service; {node} stands for node.name: a colour for "
                       "each node; empty: as OTEL_SERVICE_NAME says, else troupe"));
  t.push_back(choice_key("telemetry.contents", TROUPE_AT(telemetry.contents), {"off", "on"},
                         "on: traces hold prompts and answers, up to 8 KiB each"));
  t.push_back(number_key("telemetry.sample_ratio", TROUPE_AT(telemetry.sample_ratio), 0.0, 1.0,
                         "of the traces that clients begin here without a decision of their own"));
  t.push_back(choice_key("telemetry.log_level", TROUPE_AT(telemetry.log_level),
                         {"debug", "info", "warning", "error", "off"},
                         "the lowest level that is logged"));
  t.push_back(choice_key("telemetry.log_format", TROUPE_AT(telemetry.log_format),
                         {"auto", "json", "text"},
                         "auto: text on a terminal, otherwise JSON lines"));
  t.push_back(
      path_key("telemetry.log_file", TROUPE_AT(telemetry.log_file), "empty: standard error"));
  t.push_back(number_key("telemetry.spans_kept", TROUPE_AT(telemetry.spans_kept), 0u, 1'000'000u,
                         "the last spans kept in memory for `troupe trace`"));
#undef TROUPE_AT
  return t;
}

} // namespace

std::span<const config_key> config_keys() {
  static const std::vector<config_key> table = make_table();
  return table;
}

const config_key* find_config_key(std::string_view key) {
  for (const auto& candidate : config_keys())
    if (candidate.name == key)
      return &candidate;
  return nullptr;
}

std::string config_key::shown(const node_config& cfg) const {
  auto value = get(cfg);
  if (name == "telemetry.otlp_endpoint" && !value.empty())
    if (auto parsed = parse_otlp_url(value, otlp_path::signal);
        parsed && parsed->shown != parsed->full)
      return parsed->shown;
  return value;
}

std::string environment_name(std::string_view key) {
  std::string made = "TROUPE_";
  for (auto c : key)
    made += c == '.' ? '_' : (c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c);
  return made;
}

unexpected<std::string> mismatch(std::string_view expected, std::string_view found) {
  constexpr std::size_t shown_max = 120;
  return {"expected " + std::string(expected) + ", found \""
          + std::string(found.substr(0, shown_max)) + "\""};
}

outcome<void, std::string> check_plain_name(std::string_view text) {
  constexpr std::size_t bytes_max = 64;
  auto plain = std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-'
           || c == '_' || c == '.';
  });
  if (text.empty() || text.size() > bytes_max || !plain)
    return mismatch("1 to 64 letters, digits, '-', '_' or '.'", text);
  return {};
}

outcome<void, std::string> check_node_id(std::string_view text) {
  auto hex = std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
  });
  if (text.size() != 32 || !hex || text.find_first_not_of('0') == std::string_view::npos)
    return mismatch("32 hex digits, not all of them zero", text);
  return {};
}

} // namespace troupe
