#pragma once

#include "config/base/result.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace troupe {

struct config_error;
class yaml_node;

/// Money is whole nano-dollars (US): a dollar for a million tokens is 1,000 of them for one.
using nano_usd = std::int64_t;

/// In dollars, for JSON and traces.
double usd_of(nano_usd amount) noexcept;

/// For people: "$12.35", "$0.0042"; below a dollar with two digits that count.
std::string money_text(nano_usd amount);

/// What one call used, as the provider counts it.
struct tokens_used {
  std::uint64_t input = 0;         ///< all, those of a cache included
  std::uint64_t output = 0;        ///< all, those for reasoning included
  std::uint64_t cached = 0;        ///< of the input
  std::uint64_t cache_written = 0; ///< of the input
  std::uint64_t reasoning = 0;     ///< of the output
  bool batch = false;              ///< served when the provider had time, at a lower price
};

/// For one token each.
struct token_prices {
  nano_usd input = 0;
  nano_usd output = 0;
  nano_usd cached = 0;
  nano_usd cache_written = 0;
  nano_usd reasoning = 0;

  bool operator==(const token_prices&) const = default;
};

struct model_price {
  std::string model; ///< its name, or the beginning of it before a date
  token_prices base;
  std::uint64_t long_above = 0; ///< input tokens beyond which `above` holds; 0: never
  token_prices above;
  nano_usd request = 0;
  std::uint32_t batch_percent = 100;
  std::string date;   ///< when it was read: YYYY-MM-DD; empty: somebody's own, which never ages
  std::string source; ///< where

  nano_usd cost_of(const tokens_used& used) const;
  /// More than `limits::price_age_days_max` before `today`, in days since 1970.
  bool is_old(std::int64_t today) const;

  bool operator==(const model_price&) const = default;
};

/// The price list of the program (config/prices.yaml).
const std::vector<model_price>& known_prices();

/// The price of a model as its provider calls it; null: none is known.
const model_price* find_price(const std::vector<model_price>& all, std::string_view model);

/// Reads such a list. `own`: of a configuration, where `date` and `source` may be left out.
outcome<std::vector<model_price>, config_error> read_prices(const yaml_node& list,
                                                            bool own = false);

/// A price as `read_prices` reads it back: a mapping in one line.
std::string show_price(const model_price& price);

} // namespace troupe
