#include "actors/agents/templates/template_reader.hpp"

#include "config/limits/templates.hpp"
#include "config/limits/work.hpp"
#include "config/suggest.hpp"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

namespace troupe {

namespace {

constexpr std::string_view mark_begin = "{{", mark_end = "}}";

std::string_view without_space(std::string_view text) {
  constexpr std::string_view space = " \t";
  auto begin = text.find_first_not_of(space);
  if (begin == text.npos)
    return {};
  return text.substr(begin, text.find_last_not_of(space) - begin + 1);
}

/// " (did you mean question?); there are name, question"
template <class Table>
std::string others(std::string_view word, const Table& among) {
  std::vector<std::string_view> names;
  names.reserve(among.size());
  for (const auto& [name, value] : among)
    names.push_back(name);
  if (names.empty())
    return "; there are none";
  return did_you_mean(word, names) + "; there are " + listed(names);
}

/// The name that a loop gives to the things of a list.
struct loop_name {
  std::string_view called;
  const template_variable* list;
};

class template_parser {
public:
  explicit template_parser(const template_scope& scope) : scope_(scope) {}

  /// Reads a text to its end. False: `error` says why.
  bool read(std::string_view text, std::string_view partial, std::vector<template_part>& into) {
    auto text_before = std::exchange(text_, text);
    auto at_before = std::exchange(at_, std::size_t{0});
    auto partial_before = std::exchange(partial_, partial);
    bool fine = read_parts(into);
    if (fine) {
      text_ = text_before;
      at_ = at_before;
      partial_ = partial_before;
    }
    return fine;
  }

  template_error error;
  template_variables variables; ///< that were used
  std::set<std::string, std::less<>> partials;

private:
  bool fail(std::size_t offset, std::string message) {
    error = {std::string{partial_}, offset, std::move(message)};
    return false;
  }

  static void add_fixed(std::vector<template_part>& into, std::string_view text) {
    if (text.empty())
      return;
    if (!into.empty() && into.back().kind == template_part::syntax::fixed)
      into.back().text.append(text);
    else
      into.push_back({template_part::syntax::fixed, std::string{text}, {}, {}});
  }

  /// Up to the end, or up to the "{{/each}}" of the loop that begins there.
  bool read_parts(std::vector<template_part>& into, std::optional<std::size_t> loop = {}) {
    for (;;) {
      auto mark = text_.find(mark_begin, at_);
      if (mark == text_.npos) {
        add_fixed(into, text_.substr(at_));
        at_ = text_.size();
        return !loop || fail(*loop, "\"{{#each\" is not closed by \"{{/each}}\"");
      }
      auto end = text_.find(mark_end, mark);
      if (end == text_.npos)
        return fail(mark, "\"{{\" is not closed by \"}}\"");
      auto words =
          without_space(text_.substr(mark + mark_begin.size(), end - mark - mark_begin.size()));
      auto fixed_end = mark, next = end + mark_end.size();
      if (!words.empty() && std::string_view{"#/>!"}.find(words.front()) != words.npos)
        take_whole_line(fixed_end, next);
      add_fixed(into, text_.substr(at_, fixed_end - at_));
      at_ = next;
      if (words == "/each") {
        if (!loop)
          return fail(mark, "\"{{/each}}\" closes no loop");
        return true;
      }
      if (!read_mark(words, mark, into))
        return false;
    }
  }

  /// A line with nothing else than the mark goes with it.
  void take_whole_line(std::size_t& begin, std::size_t& end) const {
    auto line = begin == 0 ? text_.npos : text_.rfind('\n', begin - 1);
    auto first = line == text_.npos ? 0 : line + 1;
    auto last = std::min(text_.find('\n', end), text_.size());
    if (first < at_ || !without_space(text_.substr(first, begin - first)).empty()
        || !without_space(text_.substr(end, last - end)).empty())
      return;
    begin = first;
    end = std::min(last + 1, text_.size());
  }

  bool read_mark(std::string_view words, std::size_t at, std::vector<template_part>& into) {
    if (words.starts_with('!'))
      return true;
    if (words.starts_with('>'))
      return read_partial(without_space(words.substr(1)), at, into);
    if (words.starts_with("#each "))
      return read_loop(without_space(words.substr(6)), at, into);
    auto dot = words.find('.');
    if (dot != words.npos && is_template_name(words.substr(0, dot))
        && is_template_name(words.substr(dot + 1)))
      return read_field(words.substr(0, dot), words.substr(dot + 1), at, into);
    if (!is_template_name(words))
      return fail(at,
                  "a variable is written {{name}} with lower-case letters, digits and _, a loop "
                  "{{#each list as item}}, a partial {{> name}}, not \"{{"
                      + std::string{words} + "}}\"");
    return read_variable(words, at, into);
  }

  const loop_name* find_loop(std::string_view called) const {
    auto found = std::find_if(loops_.rbegin(), loops_.rend(),
                              [&](const loop_name& one) { return one.called == called; });
    return found == loops_.rend() ? nullptr : &*found;
  }

  bool unknown(std::string_view called, std::size_t at) {
    return fail(at, "there is no variable {{" + std::string{called} + "}}"
                        + others(called, scope_.variables));
  }

  void use(std::string_view called, const template_variable& one) {
    variables.emplace(called, one);
  }

  bool read_variable(std::string_view called, std::size_t at, std::vector<template_part>& into) {
    if (auto* loop = find_loop(called)) {
      if (loop->list->type == variable_type::records)
        return fail(at, "{{" + std::string{called} + "}} has fields: write {{" + std::string{called}
                            + "." + loop->list->fields.front() + "}}");
      into.push_back({template_part::syntax::field, "", std::string{called}, {}});
      return true;
    }
    auto known = scope_.variables.find(called);
    if (known == scope_.variables.end() && !scope_.others_are_texts)
      return unknown(called, at);
    auto declared = known == scope_.variables.end() ? template_variable{} : known->second;
    if (declared.type == variable_type::list || declared.type == variable_type::records)
      return fail(at, "{{" + std::string{called} + "}} is a list: write {{#each "
                          + std::string{called} + " as item}} ... {{/each}}");
    use(called, declared);
    into.push_back({template_part::syntax::variable, std::string{called}, {}, {}});
    return true;
  }

  bool read_field(std::string_view thing, std::string_view field, std::size_t at,
                  std::vector<template_part>& into) {
    auto* loop = find_loop(thing);
    if (!loop)
      return fail(at, "{{" + std::string{thing} + "." + std::string{field}
                          + "}}: no loop calls its "
                            "things \""
                          + std::string{thing} + "\"");
    const auto& fields = loop->list->fields;
    if (std::find(fields.begin(), fields.end(), field) == fields.end()) {
      std::vector<std::string_view> names(fields.begin(), fields.end());
      return fail(at, "\"" + std::string{thing} + "\" has no field \"" + std::string{field} + "\""
                          + did_you_mean(field, names));
    }
    into.push_back({template_part::syntax::field, std::string{field}, std::string{thing}, {}});
    return true;
  }

  bool read_loop(std::string_view words, std::size_t at, std::vector<template_part>& into) {
    auto as = words.find(" as ");
    auto list = without_space(words.substr(0, std::min(as, words.size())));
    auto item = as == words.npos ? std::string_view{"item"} : without_space(words.substr(as + 4));
    if (!is_template_name(list) || !is_template_name(item))
      return fail(at, "a loop is written {{#each list as item}}, not \"{{#each "
                          + std::string{words} + "}}\"");
    if (loops_.size() >= limits::template_loops_deep_max)
      return fail(at, "loops stand in each other more than "
                          + std::to_string(limits::template_loops_deep_max) + " deep");
    auto known = scope_.variables.find(list);
    if (known == scope_.variables.end() && scope_.others_are_texts)
      return fail(at, "a list has to be declared: `variables: {" + std::string{list} + ": list}`");
    if (known == scope_.variables.end())
      return unknown(list, at);
    if (known->second.type != variable_type::list && known->second.type != variable_type::records)
      return fail(at, "{{" + std::string{list} + "}} is no list, but of type "
                          + std::string{to_string(known->second.type)});
    if (scope_.variables.contains(item) || find_loop(item))
      return fail(at, "\"" + std::string{item}
                          + "\" is a variable already: call the things of the "
                            "loop otherwise");
    template_part made{template_part::syntax::loop, std::string{list}, std::string{item}, {}};
    use(list, known->second);
    loops_.push_back({item, &known->second});
    if (!read_parts(made.inside, at))
      return false;
    loops_.pop_back();
    into.push_back(std::move(made));
    return true;
  }

  bool read_partial(std::string_view called, std::size_t at, std::vector<template_part>& into) {
    auto known = scope_.partials.find(called);
    if (known == scope_.partials.end())
      return fail(at, "there is no partial \"" + std::string{called} + "\""
                          + others(called, scope_.partials));
    if (std::find(inside_.begin(), inside_.end(), called) != inside_.end())
      return fail(at, "the partial \"" + std::string{called} + "\" contains itself");
    if (inside_.size() >= limits::template_partials_deep_max)
      return fail(at, "partials stand in each other more than "
                          + std::to_string(limits::template_partials_deep_max) + " deep");
    partials.insert(known->first);
    inside_.push_back(known->first);
    bytes_ += known->second.size();
    if (bytes_ > limits::prompt_text_bytes_max)
      return fail(at, "the partials of this prompt have more than "
                          + std::to_string(limits::prompt_text_bytes_max) + " bytes");
    std::vector<template_part> parts;
    if (!read(known->second, known->first, parts))
      return false;
    inside_.pop_back();
    for (auto& part : parts)
      if (part.kind == template_part::syntax::fixed)
        add_fixed(into, part.text);
      else
        into.push_back(std::move(part));
    return true;
  }

  const template_scope& scope_;
  std::string_view text_, partial_;
  std::size_t at_ = 0;
  std::vector<loop_name> loops_;
  std::vector<std::string_view> inside_; ///< partials that are being read
  std::size_t bytes_ = 0;                ///< of all partials
};

} // namespace

outcome<template_text, template_error> read_template(std::string_view text,
                                                     const template_scope& scope) {
  template_parser in{scope};
  template_text made;
  if (!in.read(text, {}, made.parts))
    return unexpected{std::move(in.error)};
  made.variables = std::move(in.variables);
  made.partials = std::move(in.partials);
  return made;
}

} // namespace troupe
