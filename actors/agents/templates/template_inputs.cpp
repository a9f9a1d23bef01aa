#include "actors/agents/templates/template_variables.hpp"
#include "actors/agents/values.hpp"
#include "messages/values.pb.h"

/// The values of variables that tasks' inputs give.
namespace troupe {

namespace {

bool is_one_text(const Value& given) {
  switch (given.kind_case()) {
    case Value::kText:
    case Value::kInteger:
    case Value::kNumber:
    case Value::kFlag:
      return true;
    case Value::kBlob:
    case Value::kList:
    case Value::kMap:
    case Value::KIND_NOT_SET:
      return false;
  }
  return false;
}

const char* kind_of(const Value& given) {
  switch (given.kind_case()) {
    case Value::kText:
      return "a text";
    case Value::kInteger:
    case Value::kNumber:
      return "a number";
    case Value::kFlag:
      return "true or false";
    case Value::kBlob:
      return "a file";
    case Value::kList:
      return "a list";
    case Value::kMap:
      return "a mapping";
    case Value::KIND_NOT_SET:
      return "nothing";
  }
  return "nothing";
}

unexpected<std::string> not_expected(std::string_view expected, const Value& given) {
  return {"expected " + std::string{expected} + ", found " + kind_of(given)};
}

outcome<template_value::record, std::string> record_of(const template_variable& of,
                                                       const Value& given) {
  if (!given.has_map())
    return not_expected("a mapping for each record", given);
  template_value::record made;
  for (const auto& field : of.fields) {
    auto value = find_field(given.map(), field);
    if (!value)
      return unexpected{"expected the field \"" + field + "\" in each record"};
    if (!is_one_text(*value))
      return not_expected("a text in the field \"" + field + "\"", *value);
    made.emplace(field, as_text(*value));
  }
  return made;
}

} // namespace

outcome<template_value, std::string> value_of_input(const template_variable& of,
                                                    const Value& given) {
  bool is_list = of.type == variable_type::list || of.type == variable_type::records;
  if (!is_list)
    return is_one_text(given) ? read_value_of(of, as_text(given))
                              : not_expected(to_string(of.type), given);
  if (!given.has_list())
    return not_expected("a list", given);
  std::vector<std::string> texts;
  std::vector<template_value::record> records;
  for (const auto& item : given.list().items()) {
    if (of.type == variable_type::list) {
      if (!is_one_text(item))
        return not_expected("a list of texts", item);
      texts.push_back(as_text(item));
      continue;
    }
    auto one = record_of(of, item);
    if (!one)
      return unexpected{std::move(one).error()};
    records.push_back(*std::move(one));
  }
  if (of.type == variable_type::list)
    return template_value{std::move(texts)};
  return template_value{std::move(records)};
}

} // namespace troupe
