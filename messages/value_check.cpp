#include "messages/value_check.hpp"

#include "config/base/utf8.hpp"
#include "config/limits/messages.hpp"

#include <algorithm>

namespace troupe {

namespace {

constexpr std::size_t shown_bytes_max = 200; ///< of the path to a field

/// Where the walk is, as `a.b[3]`; built only when something is wrong. The steps are linked through
/// the stack, so a correct value costs nothing.
struct level {
  const level* above = nullptr;
  std::string_view field; ///< empty: an element
  int element = 0;
};

std::string path_to(const level* at) {
  std::string path;
  for (; at && at->above; at = at->above) {
    auto own =
        at->field.empty() ? "[" + std::to_string(at->element) + "]" : "." + valid_utf8(at->field);
    path.insert(0, own);
  }
  if (path.starts_with('.'))
    path.erase(0, 1);
  auto shown = std::string{utf8_prefix(path, shown_bytes_max)};
  return shown.size() < path.size() ? shown + "..." : shown;
}

class walk {
public:
  explicit walk(std::string_view what) : what_(what) {}

  /// `around`: how many lists and maps enclose the value.
  result<void> value(const Value& value, const level& at, int around) const {
    switch (value.kind_case()) {
      case Value::kText:
        return text(value.text(), at);
      case Value::kBlob:
        return text(value.blob().name(), at);
      case Value::kList:
        return around < limits::value_depth_max ? items(value.list(), at, around + 1)
                                                : too_deep(at);
      case Value::kMap:
        return around < limits::value_depth_max ? fields(value.map().fields(), at, around + 1)
                                                : too_deep(at);
      case Value::kInteger:
      case Value::kNumber:
      case Value::kFlag:
      case Value::KIND_NOT_SET:
        return {};
    }
    return {};
  }

  result<void> items(const ValueList& list, const level& at, int around) const {
    int element = 0;
    for (const auto& item : list.items())
      if (auto fine = value(item, {&at, {}, element++}, around); !fine)
        return fine;
    return {};
  }

  result<void> fields(const value_map& all, const level& at, int around) const {
    for (const auto& [key, field] : all) {
      level below{&at, key, 0};
      if (!is_utf8(key))
        return wrong(below, "the name of a field is UTF-8 text, found other bytes");
      if (auto fine = value(field, below, around); !fine)
        return fine;
    }
    return {};
  }

  result<void> text(std::string_view found, const level& at) const {
    auto bad = find_bad_utf8(found);
    if (!bad)
      return {};
    return wrong(at, "expected UTF-8 text, found byte "
                         + std::to_string(static_cast<unsigned char>(found[*bad])) + " at byte "
                         + std::to_string(*bad));
  }

private:
  unexpected<failure> too_deep(const level& at) const {
    return wrong(at, "expected at most " + std::to_string(limits::value_depth_max)
                         + " lists and maps within each other");
  }

  unexpected<failure> wrong(const level& at, const std::string& why) const {
    auto path = path_to(&at);
    return fail(ec::invalid_argument,
                std::string{what_} + (path.empty() ? "" : ", field \"" + path + "\"") + ": " + why);
  }

  std::string_view what_;
};

bool reaches(const Value& value, int levels) {
  if (value.kind_case() == Value::kList) {
    const auto& items = value.list().items();
    return levels <= 1 || std::any_of(items.begin(), items.end(), [&](const Value& item) {
             return reaches(item, levels - 1);
           });
  }
  if (value.kind_case() != Value::kMap)
    return levels <= 0;
  const auto& fields = value.map().fields();
  return levels <= 1 || std::any_of(fields.begin(), fields.end(), [&](const auto& field) {
           return reaches(field.second, levels - 1);
         });
}

} // namespace

result<void> check_value(const Value& value, std::string_view what) {
  return walk{what}.value(value, {}, 0);
}

result<void> check_fields(const value_map& fields, std::string_view what) {
  return walk{what}.fields(fields, {}, 0);
}

bool is_deepest(const Value& value) { return reaches(value, limits::value_depth_max); }

result<void> check_text(std::string_view text, std::string_view what) {
  return walk{what}.text(text, {});
}

} // namespace troupe
