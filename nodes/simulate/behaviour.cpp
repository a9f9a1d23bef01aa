#include "nodes/simulate/behaviour.hpp"

#include "config/base/utf8.hpp"
#include "config/durations.hpp"
#include "config/suggest.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace troupe {

namespace {

constexpr std::array<std::pair<std::string_view, simulated_fault>, 17> faults{{
    {"none", simulated_fault::none},
    {"unauthorized", simulated_fault::unauthorized},
    {"forbidden", simulated_fault::forbidden},
    {"rate_limited", simulated_fault::rate_limited},
    {"server_error", simulated_fault::server_error},
    {"unavailable", simulated_fault::unavailable},
    {"overloaded", simulated_fault::overloaded},
    {"hang", simulated_fault::hang},
    {"reset", simulated_fault::reset},
    {"reset_stream", simulated_fault::reset_stream},
    {"cut_body", simulated_fault::cut_body},
    {"stream_error", simulated_fault::stream_error},
    {"malformed_json", simulated_fault::malformed_json},
    {"malformed_sse", simulated_fault::malformed_sse},
    {"slow_drip", simulated_fault::slow_drip},
    {"wrong_type", simulated_fault::wrong_type},
    {"huge_answer", simulated_fault::huge_answer},
}};

template <class Number>
std::optional<Number> number_in(std::string_view text, Number min, Number max) {
  Number value{};
  auto end = text.data() + text.size();
  auto [stopped, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc{} || stopped != end || !(value >= min && value <= max))
    return std::nullopt;
  return value;
}

std::string set_latency(latency& of, std::string_view text) {
  auto read = latency::parse(text);
  if (!read)
    return read.error();
  of = std::move(*read);
  return {};
}

std::string set_rate(behaviour& of, std::string_view text) {
  auto rate = number_in<double>(text, 0.001, 1e6);
  if (!rate)
    return "expected a number of tokens a second, from 0.001 to 1000000";
  of.between = latency{std::chrono::nanoseconds{static_cast<std::int64_t>(1e9 / *rate)}};
  return {};
}

std::string set_output(behaviour& of, std::string_view text) {
  constexpr auto max = limits::simulate_output_tokens_max;
  auto dash = std::min(text.find('-'), text.size());
  auto low = number_in<std::uint64_t>(text.substr(0, dash), 0, max);
  auto high = dash == text.size()
                  ? low
                  : number_in<std::uint64_t>(text.substr(dash + 1), low.value_or(max), max);
  if (!low || !high)
    return "expected a number of tokens, or MIN-MAX, at most 1000000";
  of.output_tokens = {*low, *high};
  return {};
}

std::string set_share(behaviour& of, std::string_view text) {
  auto share = number_in<double>(text, 0, 1);
  if (!share)
    return "expected a share from 0 to 1";
  of.cached_share = share;
  return {};
}

std::string set_reply(behaviour& of, std::string_view text) {
  of.reply = valid_utf8(text); // a header may hold any bytes
  return {};
}

std::string set_tool_calls(behaviour& of, std::string_view text) {
  of.tool_calls = number_in<std::uint64_t>(text, 0, limits::simulate_tool_calls_max);
  return of.tool_calls ? "" : "expected a number from 0 to 128";
}

std::string set_refusal(behaviour& of, std::string_view text) {
  of.refusal = text == "true";
  return of.refusal || text == "false" ? "" : "expected true or false";
}

std::string set_fault(behaviour& of, std::string_view text) {
  for (const auto& [name, fault] : faults)
    if (name == text) {
      of.fault = fault;
      return {};
    }
  std::vector<std::string_view> names;
  std::string list;
  for (const auto& [name, fault] : faults) {
    names.push_back(name);
    list += (list.empty() ? "" : ", ") + std::string{name};
  }
  return "there is no fault \"" + valid_utf8(utf8_prefix(text, 60)) + "\""
         + did_you_mean(text, names) + ": expected one of " + list;
}

std::string set_after(behaviour& of, std::string_view text) {
  auto pieces = number_in<std::uint64_t>(text, 0, limits::simulate_output_tokens_max);
  if (!pieces)
    return "expected a number of pieces";
  of.after = *pieces;
  return {};
}

std::string set_retry_after(behaviour& of, std::string_view text) {
  auto time = parse_duration(text);
  if (!time)
    return "expected a time such as 2s";
  of.retry_after = *time;
  return {};
}

std::string set_bytes(behaviour& of, std::string_view text) {
  auto bytes = number_in<std::uint64_t>(text, 1, 64ULL << 30);
  if (!bytes)
    return "expected a number of bytes, at most 64 GiB";
  of.bytes = *bytes;
  return {};
}

using setter = std::string (*)(behaviour&, std::string_view);

constexpr std::array<std::pair<std::string_view, setter>, 12> keys{{
    {"latency", [](behaviour& of, std::string_view text) { return set_latency(of.first, text); }},
    {"between", [](behaviour& of, std::string_view text) { return set_latency(of.between, text); }},
    {"tokens_per_second", set_rate},
    {"output_tokens", set_output},
    {"cached_tokens", set_share},
    {"reply", set_reply},
    {"tool_calls", set_tool_calls},
    {"refusal", set_refusal},
    {"fault", set_fault},
    {"after", set_after},
    {"retry_after", set_retry_after},
    {"bytes", set_bytes},
}};

} // namespace

std::string_view to_string(simulated_fault fault) {
  return std::find_if(faults.begin(), faults.end(),
                      [&](const auto& one) { return one.second == fault; })
      ->first;
}

const std::vector<std::string_view>& behaviour_keys() {
  static const std::vector<std::string_view> all = [] {
    std::vector<std::string_view> made;
    made.reserve(std::size(keys));
    for (const auto& [name, set] : keys)
      made.push_back(name);
    return made;
  }();
  return all;
}

std::string set_behaviour(behaviour& of, std::string_view key, std::string_view value) {
  for (const auto& [name, set] : keys)
    if (name == key)
      return set(of, value);
  return "there is no such key";
}

} // namespace troupe
