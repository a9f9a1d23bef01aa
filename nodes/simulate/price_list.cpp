#include "nodes/simulate/price_list.hpp"

#include "config/yaml.hpp"
#include "nodes/simulate/simulation_rules.hpp"

#include <charconv>
#include <optional>

namespace troupe {

namespace {

constexpr std::uint64_t nano = 1'000'000'000, million = 1'000'000;
constexpr std::uint64_t dollars_max = 1'000'000;
constexpr std::size_t decimals_max = 6;

/// A decimal number of dollars as nano-dollars; no binary fraction is in between.
std::optional<std::uint64_t> nano_of(std::string_view text) {
  auto point = std::min(text.find('.'), text.size());
  auto whole = text.substr(0, point);
  std::string decimals{text.substr(std::min(point + 1, text.size()))};
  if (whole.empty() || decimals.size() > decimals_max || (point < text.size() && decimals.empty()))
    return std::nullopt;
  decimals.resize(9, '0');
  std::uint64_t dollars = 0, rest = 0;
  auto read = [](std::string_view digits, std::uint64_t& into) {
    auto end = digits.data() + digits.size();
    auto [stopped, error] = std::from_chars(digits.data(), end, into);
    return error == std::errc{} && stopped == end;
  };
  if (!read(whole, dollars) || !read(decimals, rest) || dollars > dollars_max)
    return std::nullopt;
  return dollars * nano + rest;
}

/// Rounded up. A price is below 2^50 and tokens are below 2^32 or so: the product needs 128 bits.
std::uint64_t cost(std::uint64_t tokens, std::uint64_t price) {
  __extension__ using wide = unsigned __int128;
  return static_cast<std::uint64_t>((static_cast<wide>(tokens) * price + million - 1) / million);
}

} // namespace

price_list::price_list() : prices_{{"*", nano, 4 * nano, nano, nano, 0}} {}

config_result<price_list::price> price_list::read_price(const yaml_node& node) {
  price made;
  yaml_reader in(node, "price");
  in.need("model", made.model);
  auto money = [&](std::string_view key, std::uint64_t& into, bool required) {
    auto value = required ? in.need(key) : in.may(key);
    if (!value)
      return;
    auto read = value->is_scalar() ? nano_of(value->raw().Scalar()) : std::nullopt;
    if (!read)
      in.fail(value->error(std::string{key} + ": expected dollars such as 2.50, found "
                           + value->found()));
    else
      into = *read;
  };
  money("input", made.input, true);
  money("output", made.output, true);
  made.cached = made.cache_written = made.input;
  money("cached", made.cached, false);
  money("cache_written", made.cache_written, false);
  money("request", made.request, false);
  if (auto done = in.done(); !done)
    return unexpected{std::move(done.error())};
  return made;
}

config_result<price_list> price_list::read(const config_result<yaml_node>& root) {
  if (!root)
    return unexpected{root.error()};
  price_list made;
  made.prices_.clear();
  yaml_reader in(*root, "the file");
  if (auto list = in.need("prices")) {
    auto items = list->list();
    if (!items)
      return unexpected{std::move(items.error())};
    for (const auto& item : *items) {
      auto one = read_price(item);
      if (!one)
        return unexpected{std::move(one.error())};
      made.prices_.push_back(std::move(*one));
    }
  }
  if (auto done = in.done(); !done)
    return unexpected{std::move(done.error())};
  return made;
}

config_result<price_list> price_list::parse(std::string_view text, const std::string& file) {
  return read(parse_yaml(text, file));
}

config_result<price_list> price_list::load(const std::filesystem::path& file) {
  return read(load_yaml(file));
}

std::uint64_t price_list::nano_dollars(std::string_view model, const tokens& used) const {
  for (const auto& one : prices_)
    if (fits_glob(one.model, model))
      return cost(used.input - used.cached - used.cache_written, one.input)
             + cost(used.cached, one.cached) + cost(used.cache_written, one.cache_written)
             + cost(used.output, one.output) + one.request;
  return 0;
}

} // namespace troupe
