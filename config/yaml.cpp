#include "config/yaml.hpp"

#include "config/durations.hpp"
#include "config/suggest.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

namespace troupe {

namespace {

constexpr std::size_t excerpt_bytes_max = 60;

std::string excerpt(std::string_view text) {
  std::string made = "\"";
  for (auto c : text.substr(0, excerpt_bytes_max))
    made += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
  return made + (text.size() > excerpt_bytes_max ? "...\"" : "\"");
}

template <class Number>
std::optional<Number> parse_number(std::string_view text) {
  Number value{};
  auto end = text.data() + text.size();
  auto [stopped, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc{} || stopped != end)
    return std::nullopt;
  return value;
}

std::string format_number(double value) {
  std::array<char, 32> buffer;
  auto [end, error] = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value);
  return {buffer.data(), end};
}

/// "a whole number", with the bounds that are there.
std::string bounded(std::string kind, bool low, bool high, const std::string& min,
                    const std::string& max) {
  if (low && high)
    return kind + " from " + min + " to " + max;
  if (low)
    return kind + ", at least " + min;
  if (high)
    return kind + ", at most " + max;
  return kind;
}

} // namespace

const std::string& yaml_node::file() const {
  static const std::string none;
  return file_ ? *file_ : none;
}

int yaml_node::line() const { return raw_.Mark().line + 1; }

int yaml_node::column() const { return raw_.Mark().column + 1; }

bool yaml_node::is_quoted() const { return raw_.IsScalar() && raw_.Tag() == "!"; }

config_error yaml_node::error(std::string message) const {
  return {file(), line(), column(), std::move(message)};
}

std::string yaml_node::found() const {
  if (is_map())
    return "a mapping";
  if (is_list())
    return "a list";
  if (is_quoted())
    return "the text " + excerpt(raw_.Scalar());
  if (is_scalar())
    return excerpt(raw_.Scalar());
  return "nothing";
}

config_result<std::string> yaml_node::text() const {
  if (!is_scalar())
    return fail("expected text, found " + found());
  return raw_.Scalar();
}

config_result<bool> yaml_node::flag() const {
  if (is_scalar() && !is_quoted()) {
    if (raw_.Scalar() == "true")
      return true;
    if (raw_.Scalar() == "false")
      return false;
  }
  return fail("expected true or false, found " + found());
}

config_result<std::int64_t> yaml_node::integer(std::int64_t min, std::int64_t max) const {
  using bounds = std::numeric_limits<std::int64_t>;
  if (is_scalar() && !is_quoted())
    if (auto value = parse_number<std::int64_t>(raw_.Scalar()); value && *value >= min)
      if (*value <= max)
        return *value;
  auto expected = bounded("a whole number", min != bounds::min(), max != bounds::max(),
                          std::to_string(min), std::to_string(max));
  return fail("expected " + expected + ", found " + found());
}

config_result<double> yaml_node::number(double min, double max) const {
  using bounds = std::numeric_limits<double>;
  if (is_scalar() && !is_quoted()) {
    auto value = parse_number<double>(raw_.Scalar());
    if (value && std::isfinite(*value) && *value >= min && *value <= max)
      return *value;
  }
  auto expected = bounded("a number", min != bounds::lowest(), max != bounds::max(),
                          format_number(min), format_number(max));
  return fail("expected " + expected + ", found " + found());
}

config_result<std::chrono::milliseconds> yaml_node::duration() const {
  if (is_scalar())
    if (auto time = parse_duration(raw_.Scalar()))
      return *time;
  return fail("expected a duration such as " + std::string(duration_examples) + ", found "
              + found());
}

config_result<std::vector<yaml_node>> yaml_node::list() const {
  if (!is_list())
    return fail("expected a list, found " + found());
  std::vector<yaml_node> items;
  for (const auto& item : raw_)
    items.emplace_back(item, file_);
  return items;
}

config_result<std::vector<std::pair<yaml_node, yaml_node>>> yaml_node::fields() const {
  if (!is_map())
    return fail("expected a mapping, found " + found());
  std::vector<std::pair<yaml_node, yaml_node>> all;
  for (const auto& field : raw_)
    all.emplace_back(yaml_node(field.first, file_), yaml_node(field.second, file_));
  return all;
}

std::optional<yaml_node> yaml_node::find(std::string_view key) const {
  if (is_map())
    for (const auto& field : raw_)
      if (field.first.IsScalar() && field.first.Scalar() == key)
        return yaml_node(field.second, file_);
  return std::nullopt;
}

// -- yaml_reader ----------------------------------------------------------------------------------

yaml_reader::yaml_reader(yaml_node mapping, std::string what)
    : mapping_(std::move(mapping)), what_(std::move(what)) {
  if (!mapping_.is_map())
    fail(mapping_.error(what_ + ": expected a mapping, found " + mapping_.found()));
}

void yaml_reader::keep(config_result<void> outcome_of_field) {
  if (first_ && !outcome_of_field)
    first_ = std::move(outcome_of_field);
}

config_result<void> yaml_reader::done() {
  if (!first_)
    return first_;
  std::vector<std::string_view> known(asked_.begin(), asked_.end());
  auto fields = mapping_.fields();
  for (const auto& [key, value] : *fields) {
    auto& found = key.raw().Scalar();
    if (std::find(known.begin(), known.end(), found) != known.end())
      continue;
    std::string list;
    for (auto k : known)
      list += (list.empty() ? "" : ", ") + std::string(k);
    first_ = key.fail(what_ + " has no key " + excerpt(found) + did_you_mean(found, known)
                      + ": expected " + list);
    break;
  }
  return first_;
}

std::optional<yaml_node> yaml_reader::take(std::string_view key, bool required) {
  asked_.emplace_back(key);
  if (!first_)
    return std::nullopt;
  auto value = mapping_.find(key);
  if (value && !value->is_null())
    return value;
  if (required)
    fail((value ? *value : mapping_).error(what_ + ": " + std::string(key) + " is missing"));
  return std::nullopt;
}

config_result<void> yaml_reader::assign(const yaml_node& value, std::string& into) {
  auto read = value.text();
  if (!read)
    return unexpected{std::move(read).error()};
  into = *std::move(read);
  return {};
}

config_result<void> yaml_reader::assign(const yaml_node& value, std::filesystem::path& into) {
  std::string text;
  auto read = assign(value, text);
  if (read)
    into = text;
  return read;
}

config_result<void> yaml_reader::assign(const yaml_node& value, bool& into) {
  auto read = value.flag();
  if (!read)
    return unexpected{std::move(read).error()};
  into = *read;
  return {};
}

config_result<void> yaml_reader::assign(const yaml_node& value, double& into, double min,
                                        double max) {
  auto read = value.number(min, max);
  if (!read)
    return unexpected{std::move(read).error()};
  into = *read;
  return {};
}

config_result<void> yaml_reader::assign(const yaml_node& value, std::chrono::milliseconds& into) {
  auto read = value.duration();
  if (!read)
    return unexpected{std::move(read).error()};
  into = *read;
  return {};
}

config_result<void> yaml_reader::assign(const yaml_node& value, std::vector<std::string>& into) {
  auto items = value.list();
  if (!items)
    return unexpected{std::move(items).error()};
  into.clear();
  for (const auto& item : *items)
    if (auto read = assign(item, into.emplace_back()); !read)
      return read;
  return {};
}

config_result<void> yaml_reader::assign(const yaml_node& value,
                                        std::map<std::string, std::string>& into) {
  auto fields = value.fields();
  if (!fields)
    return unexpected{std::move(fields).error()};
  into.clear();
  for (const auto& [key, field] : *fields)
    if (auto read = assign(field, into[key.raw().Scalar()]); !read)
      return read;
  return {};
}

config_result<void> yaml_reader::assign(const yaml_node& value, yaml_node& into) {
  into = value;
  return {};
}

} // namespace troupe
