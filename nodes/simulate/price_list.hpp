#pragma once

#include "config/config.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace troupe {

class yaml_node;

/// What calls cost. Money is counted in nano-dollars, in whole numbers.
///
///     prices:                        # dollars for a million tokens, at most six decimals
///       - model: gpt-4o*             # the first line whose model fits counts
///         input: 2.50
///         output: 10
///         cached: 1.25               # of the input that was in the cache; as `input` if missing
///         cache_written: 3.125       # of the input that is written into it; the same
///         request: 0.001             # dollars a call
///
/// A model that no line fits costs nothing.
class price_list {
public:
  /// One dollar a million tokens of input, four of output, for every model.
  price_list();

  static config_result<price_list> load(const std::filesystem::path& file);
  static config_result<price_list> parse(std::string_view text, const std::string& file);

  struct tokens {
    std::uint64_t input = 0;         ///< all of it
    std::uint64_t cached = 0;        ///< of the input
    std::uint64_t output = 0;        ///< with what was reasoned
    std::uint64_t cache_written = 0; ///< of the input
  };
  /// Each part is rounded up to a whole nano-dollar.
  std::uint64_t nano_dollars(std::string_view model, const tokens& used) const;

private:
  struct price {
    std::string model;
    /// Nano-dollars for a million tokens.
    std::uint64_t input = 0, output = 0, cached = 0, cache_written = 0;
    std::uint64_t request = 0; ///< nano-dollars
  };
  static config_result<price_list> read(const config_result<yaml_node>& root);
  static config_result<price> read_price(const yaml_node& node);

  std::vector<price> prices_;
};

} // namespace troupe
