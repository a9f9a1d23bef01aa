#include "config/base/utf8.hpp"
#include "config/limits/storage.hpp"
#include "config/yaml.hpp"

#include <yaml-cpp/eventhandler.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <map>
#include <sstream>
#include <system_error>

namespace troupe {

namespace {

std::string line_of(std::string_view text, int line) {
  std::size_t begin = 0;
  for (int i = 0; i < line; ++i) {
    auto end = text.find('\n', begin);
    if (end == std::string_view::npos)
      return {};
    begin = end + 1;
  }
  auto found = text.substr(begin, text.find('\n', begin) - begin);
  constexpr std::size_t shown_max = 80;
  return std::string(found.substr(0, shown_max)) + (found.size() > shown_max ? "..." : "");
}

/// Checks a document before it becomes a tree. Refuses what a tree can no longer show, or what
/// would make walking it unbounded: aliases, explicit tags, deep nesting.
class inspector final : public YAML::EventHandler {
public:
  std::optional<std::pair<YAML::Mark, std::string>> first;

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (++documents_ > 1)
      refuse(mark, "expected one document, found a second one");
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override { look(mark, "?", anchor); }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override { refuse(mark, no_aliases); }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string&) override {
    look(mark, tag, anchor);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    look(mark, tag, anchor);
    descend(mark);
  }
  void OnSequenceEnd() override { --depth_; }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    look(mark, tag, anchor);
    descend(mark);
  }
  void OnMapEnd() override { --depth_; }

private:
  static constexpr auto no_aliases = "anchors and aliases are not supported: write the value out";

  void refuse(const YAML::Mark& mark, std::string why) {
    if (!first)
      first.emplace(mark, std::move(why));
  }
  void look(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) {
    if (anchor != 0)
      refuse(mark, no_aliases);
    else if (!tag.empty() && tag != "?" && tag != "!")
      refuse(mark, "tags are not supported, found " + tag);
  }
  void descend(const YAML::Mark& mark) {
    if (++depth_ > limits::yaml_depth_max)
      refuse(mark, "expected at most " + std::to_string(limits::yaml_depth_max)
                       + " lists and mappings within each other");
  }

  int documents_ = 0;
  std::size_t depth_ = 0;
};

/// yaml-cpp keeps both values of a key that occurs twice. The inspector bounds the depth.
config_result<void> check_keys(const yaml_node& node) {
  if (node.is_list()) {
    auto items = node.list();
    for (const auto& item : *items)
      if (auto checked = check_keys(item); !checked)
        return checked;
    return {};
  }
  if (!node.is_map())
    return {};
  std::map<std::string, int> seen; // to the line
  auto fields = node.fields();
  for (const auto& [key, value] : *fields) {
    if (!key.is_scalar())
      return key.fail("expected text as a key, found " + key.found());
    auto [place, added] = seen.emplace(key.raw().Scalar(), key.line());
    if (!added)
      return key.fail("the key " + key.found() + " stands twice, first in line "
                      + std::to_string(place->second));
    if (auto checked = check_keys(value); !checked)
      return checked;
  }
  return {};
}

/// Everything that is not text: bytes that are not UTF-8, and control characters, which yaml-cpp
/// takes for the end of the file. Columns count characters.
config_result<void> check_characters(std::string_view text, const std::string& file) {
  int line = 1, column = 1;
  auto refuse = [&](const std::string& found) {
    return unexpected{config_error{file, line, column, "expected UTF-8 text, found " + found}};
  };
  for (std::size_t at = 0; at < text.size();) {
    auto c = text[at];
    auto byte = std::to_string(static_cast<unsigned char>(c));
    if (static_cast<unsigned char>(c) < 0x20 && c != '\t' && c != '\n' && c != '\r')
      return refuse("a control character (byte " + byte + ")");
    auto length = utf8_length(text.substr(at));
    if (length == 0)
      return refuse("byte " + byte + ", which belongs to no character: save the file as UTF-8");
    line += c == '\n';
    column = c == '\n' ? 1 : column + 1;
    at += length;
  }
  return {};
}

unexpected<config_error> at(const std::string& file, const YAML::Mark& mark, std::string message) {
  return {config_error{file, mark.line + 1, mark.column + 1, std::move(message)}};
}

} // namespace

config_result<yaml_node> parse_yaml(std::string_view text, const std::string& file) {
  if (text.size() > limits::yaml_bytes_max)
    return unexpected{config_error{file, 0, 0,
                                   "too large: expected at most "
                                       + std::to_string(limits::yaml_bytes_max) + " bytes, found "
                                       + std::to_string(text.size())}};
  if (auto checked = check_characters(text, file); !checked)
    return unexpected{std::move(checked).error()};
  inspector look;
  try {
    // yaml-cpp takes an unterminated quoted text for a complete one if the file ends in a line
    // break.
    auto end = text.find_last_not_of(" \t\r\n");
    std::istringstream in{std::string(text.substr(0, end == text.npos ? 0 : end + 1))};
    YAML::Parser parser(in);
    while (!look.first && parser.HandleNextDocument(look)) {
    }
    if (look.first)
      return at(file, look.first->first, look.first->second);
    yaml_node root(YAML::Load(std::string(text)), std::make_shared<const std::string>(file));
    if (auto checked = check_keys(root); !checked)
      return unexpected{std::move(checked).error()};
    return root;
  } catch (const YAML::Exception& e) {
    // yaml-cpp gives up on a deep document only after the place where it became too deep.
    if (look.first)
      return at(file, look.first->first, look.first->second);
    auto line = line_of(text, e.mark.line);
    return at(file, e.mark,
              "not valid YAML: " + e.msg + (line.empty() ? "" : ", the line is: " + line));
  } catch (const std::exception& e) {
    return unexpected{config_error{file, 0, 0, std::string("not valid YAML: ") + e.what()}};
  }
}

config_result<yaml_node> load_yaml(const std::filesystem::path& file) {
  auto name = file.string();
  std::error_code ec;
  auto status = std::filesystem::status(file, ec);
  if (std::filesystem::is_directory(status))
    return unexpected{config_error{name, 0, 0, "expected a YAML file, found a folder"}};
  std::ifstream in(file, std::ios::binary);
  if (!in)
    return unexpected{
        config_error{name, 0, 0, std::string("cannot be read: ") + std::strerror(errno)}};
  std::string text(limits::yaml_bytes_max + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (in.bad())
    return unexpected{
        config_error{name, 0, 0, std::string("cannot be read: ") + std::strerror(errno)}};
  text.resize(static_cast<std::size_t>(in.gcount()));
  return parse_yaml(text, name);
}

} // namespace troupe
