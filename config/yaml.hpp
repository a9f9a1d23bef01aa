#pragma once

#include "config/config.hpp"

#include <yaml-cpp/yaml.h>

#include <chrono>
#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// YAML with errors that say file, line, column, what was found and what was expected. Used by the
/// configuration, by role files and by graph files. No exception of yaml-cpp passes these
/// functions.
namespace troupe {

/// One value in a YAML document: yaml-cpp's node and the name of its file. Cheap to copy.
class yaml_node {
public:
  yaml_node() = default;
  yaml_node(const YAML::Node& raw, std::shared_ptr<const std::string> file)
      : raw_(raw), file_(std::move(file)) {}

  const YAML::Node& raw() const noexcept { return raw_; }
  const std::string& file() const;
  int line() const;   ///< from 1; 0 for a default-constructed node
  int column() const; ///< from 1

  bool is_map() const { return raw_.IsMap(); }
  bool is_list() const { return raw_.IsSequence(); }
  bool is_null() const { return raw_.IsNull(); }
  /// Text, number or flag; null is none of these. A quoted scalar is always text.
  bool is_scalar() const { return raw_.IsScalar(); }
  bool is_quoted() const; ///< "5" or '5' or a block: text, whatever it looks like

  /// The error `message` at this place, such as "expected a list, found " + node.found().
  config_error error(std::string message) const;
  unexpected<config_error> fail(std::string message) const { return {error(std::move(message))}; }
  /// What is here, for error messages: `a list`, `a mapping`, `nothing`, `"blue"`.
  std::string found() const;

  // -- this value, by type; the error says what was expected ----------------------------------

  config_result<std::string> text() const; ///< any scalar as written
  config_result<bool> flag() const;        ///< true or false
  config_result<std::int64_t>
  integer(std::int64_t min = std::numeric_limits<std::int64_t>::min(),
          std::int64_t max = std::numeric_limits<std::int64_t>::max()) const;
  config_result<double> number(double min = std::numeric_limits<double>::lowest(),
                               double max = std::numeric_limits<double>::max()) const;
  config_result<std::chrono::milliseconds> duration() const; ///< 200ms, 5s, 2min, 1h
  config_result<std::vector<yaml_node>> list() const;
  /// The fields of a mapping in the order of the file. Keys are scalars, and each occurs once.
  config_result<std::vector<std::pair<yaml_node, yaml_node>>> fields() const;

  /// The value of `key` in a mapping; nothing if it is not there or this is not a mapping.
  std::optional<yaml_node> find(std::string_view key) const;

private:
  YAML::Node raw_;
  std::shared_ptr<const std::string> file_;
};

/// Parses one document. Refused: bad syntax, more than one document, a key that occurs twice in a
/// mapping, keys that are not scalars, anchors and aliases, more than `limits::yaml_bytes_max`
/// bytes. An empty text is a null node. `file` is only for errors.
config_result<yaml_node> parse_yaml(std::string_view text, const std::string& file);

/// Reads and parses a file.
config_result<yaml_node> load_yaml(const std::filesystem::path& file);

/// Reads the fields of one mapping into variables, and refuses every unrequested key:
///
///     yaml_reader in(node, "role");              // "role" names the mapping in errors
///     in.need("name", role.name);                // an error if it is missing
///     in.may("pool", pool, 1, 1000);             // keeps its value if it is missing
///     in.may("prompts", role.prompts);
///     if (auto read = in.done(); !read)
///       return unexpected{std::move(read).error()};
///
/// The first error is kept, and nothing after it is read. A null field counts as missing.
class yaml_reader {
public:
  yaml_reader(yaml_node mapping, std::string what);

  template <class T, class... Range>
  void need(std::string_view key, T& into, Range... range) {
    if (auto value = take(key, true))
      keep(assign(*value, into, range...));
  }
  template <class T, class... Range>
  void may(std::string_view key, T& into, Range... range) {
    if (auto value = take(key, false))
      keep(assign(*value, into, range...));
  }
  /// The raw value, for other code to read.
  std::optional<yaml_node> may(std::string_view key) { return take(key, false); }
  std::optional<yaml_node> need(std::string_view key) { return take(key, true); }

  const yaml_node& mapping() const noexcept { return mapping_; }
  bool failed() const noexcept { return !first_; }
  /// Keeps an error of the caller's own, if it is the first.
  void keep(config_result<void> outcome_of_field);
  void fail(config_error e) { keep(unexpected{std::move(e)}); }

  /// Call it last: returns the first error, or an error for an unknown key.
  config_result<void> done();

private:
  std::optional<yaml_node> take(std::string_view key, bool required);

  static config_result<void> assign(const yaml_node& value, std::string& into);
  static config_result<void> assign(const yaml_node& value, std::filesystem::path& into);
  static config_result<void> assign(const yaml_node& value, bool& into);
  static config_result<void> assign(const yaml_node& value, double& into,
                                    double min = std::numeric_limits<double>::lowest(),
                                    double max = std::numeric_limits<double>::max());
  static config_result<void> assign(const yaml_node& value, std::chrono::milliseconds& into);
  static config_result<void> assign(const yaml_node& value, std::vector<std::string>& into);
  static config_result<void> assign(const yaml_node& value,
                                    std::map<std::string, std::string>& into);
  static config_result<void> assign(const yaml_node& value, yaml_node& into);
  template <class Integer>
  requires std::is_integral_v<Integer>
  static config_result<void> assign(const yaml_node& value, Integer& into,
                                    std::int64_t min = lowest<Integer>(),
                                    std::int64_t max = highest<Integer>()) {
    auto read = value.integer(min, max);
    if (!read)
      return unexpected{std::move(read).error()};
    into = static_cast<Integer>(*read);
    return {};
  }
  template <class Integer>
  static constexpr std::int64_t lowest() {
    return std::is_signed_v<Integer>
               ? static_cast<std::int64_t>(std::numeric_limits<Integer>::min())
               : 0;
  }
  template <class Integer>
  static constexpr std::int64_t highest() {
    return sizeof(Integer) < 8 ? static_cast<std::int64_t>(std::numeric_limits<Integer>::max())
                               : std::numeric_limits<std::int64_t>::max();
  }

  yaml_node mapping_;
  std::string what_;
  std::vector<std::string> asked_;
  config_result<void> first_;
};

} // namespace troupe
