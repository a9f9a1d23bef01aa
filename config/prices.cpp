#include "config/prices.hpp"

#include "config/config.hpp"
#include "config/embedded_list.hpp"
#include "config/limits/models.hpp"
#include "config/model_versions.hpp"
#include "config/yaml.hpp"
#include "config/yaml_text.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <optional>

namespace troupe {

namespace {

constexpr double dollars_max = 1e6; ///< for a million tokens

/// Dollars for a million tokens as nano-dollars for one.
nano_usd per_token(double dollars) { return std::llround(dollars * 1'000); }

/// What is not said costs as much as what it is a part of.
void read_tokens(yaml_reader& in, token_prices& to) {
  double input = 0, output = 0;
  in.need("input", input, 0.0, dollars_max);
  in.need("output", output, 0.0, dollars_max);
  double cached = input, written = input, reasoning = output;
  in.may("cached", cached, 0.0, dollars_max);
  in.may("cache_written", written, 0.0, dollars_max);
  in.may("reasoning", reasoning, 0.0, dollars_max);
  to = {per_token(input), per_token(output), per_token(cached), per_token(written),
        per_token(reasoning)};
}

config_result<model_price> read_price(const yaml_node& value, bool own) {
  model_price made;
  yaml_reader in(value, "a price");
  in.need("model", made.model);
  read_tokens(in, made.base);
  double request = 0, batch = 1;
  in.may("request", request, 0.0, dollars_max);
  in.may("batch", batch, 0.0, 1.0);
  made.request = std::llround(request * 1e9);
  made.batch_percent = static_cast<std::uint32_t>(std::lround(batch * 100));
  if (auto above = in.may("above")) {
    yaml_reader more(*above, "above");
    more.need("tokens", made.long_above, 1);
    read_tokens(more, made.above);
    in.keep(more.done());
  }
  if (own) {
    in.may("date", made.date);
    in.may("source", made.source);
  } else {
    in.need("date", made.date);
    in.need("source", made.source);
  }
  if (auto done = in.done(); !done)
    return unexpected{std::move(done).error()};
  return made;
}

/// Nano-dollars for one token as dollars for a million, exactly.
std::string in_dollars(nano_usd each, nano_usd unit) {
  auto rest = std::to_string(each % unit);
  auto digits = std::to_string(unit).size() - 1;
  return std::to_string(each / unit) + "." + std::string(digits - rest.size(), '0') + rest;
}

std::string show_tokens(const token_prices& price) {
  constexpr nano_usd unit = 1'000;
  return "input: " + in_dollars(price.input, unit) + ", output: " + in_dollars(price.output, unit)
         + ", cached: " + in_dollars(price.cached, unit)
         + ", cache_written: " + in_dollars(price.cache_written, unit)
         + ", reasoning: " + in_dollars(price.reasoning, unit);
}

/// Days since 1970 of YYYY-MM-DD; nothing if it is no date.
std::optional<std::int64_t> day_of(std::string_view date) {
  constexpr std::size_t month_at = 5, day_at = 8, size = 10;
  auto number = [&](std::size_t at, std::size_t digits) {
    int value = -1;
    auto first = date.data() + at;
    auto read = std::from_chars(first, first + digits, value);
    return read.ptr == first + digits ? value : -1;
  };
  if (date.size() != size)
    return std::nullopt;
  auto year = number(0, month_at - 1), month = number(month_at, 2), day = number(day_at, 2);
  if (year < 0 || month < 1 || day < 1)
    return std::nullopt;
  std::chrono::year_month_day made{std::chrono::year{year},
                                   std::chrono::month{static_cast<unsigned>(month)},
                                   std::chrono::day{static_cast<unsigned>(day)}};
  if (!made.ok())
    return std::nullopt;
  return std::chrono::sys_days{made}.time_since_epoch().count();
}

} // namespace

double usd_of(nano_usd amount) noexcept { return static_cast<double>(amount) / 1e9; }

std::string money_text(nano_usd amount) {
  constexpr nano_usd dollar = 1'000'000'000;
  int decimals = 2;
  for (auto left = std::abs(amount); left > 0 && left < dollar / 10; left *= 10)
    ++decimals;
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "$%.*f", decimals, usd_of(amount));
  return text.data();
}

nano_usd model_price::cost_of(const tokens_used& used) const {
  const auto& price = long_above != 0 && used.input > long_above ? above : base;
  auto times = [](std::uint64_t tokens, nano_usd each) {
    return static_cast<nano_usd>(tokens) * each;
  };
  auto cached = std::min(used.cached, used.input);
  auto written = std::min(used.cache_written, used.input - cached);
  auto reasoning = std::min(used.reasoning, used.output);
  auto whole = request + times(used.input - cached - written, price.input)
               + times(cached, price.cached) + times(written, price.cache_written)
               + times(used.output - reasoning, price.output) + times(reasoning, price.reasoning);
  constexpr nano_usd hundred = 100;
  return used.batch ? whole * batch_percent / hundred : whole;
}

bool model_price::is_old(std::int64_t today) const {
  auto read_on = day_of(date);
  return read_on && today - *read_on > limits::price_age_days_max;
}

const std::vector<model_price>& known_prices() {
  static const auto all = read_embedded_list<model_price>(
      "prices", [](const yaml_node& list) { return read_prices(list); });
  return all;
}

const model_price* find_price(const std::vector<model_price>& all, std::string_view model) {
  return find_version(all, model);
}

std::string show_price(const model_price& price) {
  constexpr nano_usd dollar = 1'000'000'000;
  constexpr nano_usd percent = 100;
  auto shown = "{model: " + yaml_scalar(price.model) + ", " + show_tokens(price.base);
  if (price.long_above != 0)
    shown += ", above: {tokens: " + std::to_string(price.long_above) + ", "
             + show_tokens(price.above) + "}";
  if (price.request != 0)
    shown += ", request: " + in_dollars(price.request, dollar);
  if (price.batch_percent != percent)
    shown += ", batch: " + in_dollars(price.batch_percent, percent);
  if (!price.date.empty())
    shown += ", date: " + yaml_scalar(price.date);
  if (!price.source.empty())
    shown += ", source: " + yaml_scalar(price.source);
  return shown + "}";
}

config_result<std::vector<model_price>> read_prices(const yaml_node& list, bool own) {
  auto items = list.list();
  if (!items)
    return unexpected{std::move(items).error()};
  std::vector<model_price> all;
  for (const auto& item : *items) {
    auto read = read_price(item, own);
    if (!read)
      return unexpected{std::move(read).error()};
    all.push_back(*std::move(read));
  }
  return all;
}

} // namespace troupe
