#include "actors/agents/role.hpp"
#include "actors/agents/minds.hpp"
#include "actors/agents/role_file.hpp"
#include "actors/agents/role_prompts.hpp"
#include "config/embedded.hpp"
#include "config/limits/storage.hpp"
#include "config/routes.hpp"
#include "config/suggest.hpp"
#include "config/yaml.hpp"
#include "messages/cluster.pb.h"
#include "messages/name.hpp"
#include "persistence/sha256.hpp"

#include <algorithm>
#include <fstream>
#include <system_error>

namespace troupe {

namespace {

constexpr std::int64_t output_tokens_limit = 1'000'000;
constexpr auto time_limit = std::chrono::hours{1};
constexpr std::uint32_t history_turns = 20, history_turns_limit = 1'000;
constexpr std::uint64_t history_tokens = 8'000, history_tokens_limit = 100'000;

config_result<const mind_kind*> read_mind(const yaml_node& value) {
  auto called = value.text();
  if (!called)
    return unexpected{std::move(called).error()};
  std::vector<std::string_view> known;
  for (const auto& kind : mind_kinds()) {
    if (kind.called == *called)
      return &kind;
    known.push_back(kind.called);
  }
  return value.fail("there is no mind \"" + *called + "\"; there are " + listed(known)
                    + did_you_mean(*called, known));
}

/// `talk` and `tasks`: what the mind can do, unless the file takes one away.
config_result<void> read_ways(yaml_reader& in, const mind_kind& kind, RoleInfo& info) {
  bool talk = kind.talks, tasks = kind.works;
  auto talk_node = in.may("talk"), tasks_node = in.may("tasks");
  for (auto [node, into, able, what] : {std::tuple{&talk_node, &talk, kind.talks, "messages"},
                                        std::tuple{&tasks_node, &tasks, kind.works, "tasks"}}) {
    if (!*node)
      continue;
    auto read = (*node)->flag();
    if (!read)
      return unexpected{std::move(read).error()};
    if (*read && !able)
      return (*node)->fail("mind " + std::string{kind.called} + " takes no " + what);
    *into = *read;
  }
  if (!talk && !tasks)
    return in.mapping().fail("a role that takes neither messages nor tasks is useless");
  info.set_for_talk(talk);
  info.set_for_tasks(tasks);
  return {};
}

config_result<history_limits> read_history(const std::optional<yaml_node>& given,
                                           const mind_kind& kind) {
  history_limits made;
  if (!given)
    return made;
  if (!kind.converses)
    return given->fail("mind " + std::string{kind.called} + " has no conversation: no history");
  made = {history_turns, history_tokens};
  yaml_reader in(*given, "history");
  in.may("turns", made.turns, 1, history_turns_limit);
  in.may("tokens", made.tokens, 1, history_tokens_limit);
  if (auto read = in.done(); !read)
    return unexpected{std::move(read).error()};
  return made;
}

config_result<PieceUnit> read_pieces(const std::optional<yaml_node>& given) {
  if (!given)
    return UNIT_AS_IT_COMES;
  auto text = given->text();
  if (!text)
    return unexpected{std::move(text).error()};
  for (auto [word, unit] :
       {std::pair{"any", UNIT_AS_IT_COMES}, std::pair{"lines", UNIT_LINES},
        std::pair{"sentences", UNIT_SENTENCES}, std::pair{"json", UNIT_JSON_VALUES}})
    if (*text == word)
      return unit;
  return given->fail("pieces is any, lines, sentences or json, not " + given->found());
}

/// What the calls of the role are for, to a route (docs/routing.md).
config_result<std::string> read_call_task(const std::optional<yaml_node>& given) {
  if (!given)
    return std::string{};
  auto text = given->text();
  if (text && !to_task_type(*text))
    return given->fail("task is code_generation, planning, analysis or other, not "
                       + given->found());
  return text;
}

/// What all calls of a role have in common.
struct call_terms {
  PieceUnit unit;
  std::string task;
};

config_result<call_terms> read_call_terms(const std::optional<yaml_node>& pieces,
                                          const std::optional<yaml_node>& task) {
  auto unit = read_pieces(pieces);
  if (!unit)
    return unexpected{std::move(unit).error()};
  auto told = read_call_task(task);
  if (!told)
    return unexpected{std::move(told).error()};
  return call_terms{*unit, *std::move(told)};
}

config_result<void> read_state(const std::optional<yaml_node>& given, const mind_kind& kind,
                               bool has_history, role& made) {
  bool remembers = kind.remembers || has_history;
  made.remembers = remembers;
  made.durable = remembers;
  if (given) {
    auto state = given->text();
    if (!state)
      return unexpected{std::move(state).error()};
    if (*state != "durable" && *state != "none")
      return given->fail("state is durable or none, not " + given->found());
    if (*state == "durable" && !remembers)
      return given->fail("mind " + std::string{kind.called} + " keeps nothing"
                         + (kind.converses ? " without a history" : "") + ": state is none");
    made.durable = *state == "durable";
  }
  made.info.set_state(made.durable ? "durable" : "none");
  return {};
}

config_result<void> read_idle(const std::optional<yaml_node>& given, role& made) {
  if (!given)
    return {};
  auto idle = given->duration();
  if (!idle)
    return unexpected{std::move(idle).error()};
  made.idle = *idle;
  return {};
}

config_result<void> read_on_unknown(const std::optional<yaml_node>& given, role& made) {
  if (!given)
    return {};
  auto text = given->text();
  if (!text)
    return unexpected{std::move(text).error()};
  if (*text != "retry" && *text != "fail")
    return given->fail("on_unknown is retry or fail, not " + given->found());
  made.asks_unknown_again = *text == "retry";
  return {};
}

config_result<void> read_limits(const std::optional<yaml_node>& given,
                                const std::optional<yaml_node>& idle, role& made) {
  made.output_tokens_max = 0; // unless it is said: a route may say it, and 1000 is usual
  if (auto read = read_idle(idle, made); !read || !given)
    return read;
  yaml_reader in(*given, "limits");
  auto time = in.may("time");
  in.may("output_tokens", made.output_tokens_max, 1, output_tokens_limit);
  if (auto read = in.done(); !read)
    return read;
  if (!time)
    return {};
  auto read = time->duration();
  if (!read)
    return unexpected{std::move(read).error()};
  if (*read < std::chrono::milliseconds{1} || *read > time_limit)
    return time->fail("limits.time is from 1ms to 1h, not " + time->found());
  made.time_max = *read;
  return {};
}

config_result<std::string> read_name(const yaml_node& given) {
  auto role_name = given.text();
  if (role_name && !is_role_name(*role_name))
    return given.fail("a role is written with lower-case letters, digits, '-' and '_', beginning "
                      "with a letter, not "
                      + given.found());
  return role_name;
}

config_result<role_file> read_fields(std::string_view text, const std::string& file) {
  auto document = parse_yaml(text, file);
  if (!document)
    return unexpected{std::move(document).error()};
  role_file read;
  auto& made = read.parsed;
  std::string called, description, model = "offline";
  bool reads_files = false;
  yaml_reader in(*document, "role");
  auto called_node = in.need("role");
  auto mind_node = in.need("mind");
  in.need("description", description);
  in.may("model", model);
  in.may("reads_files", reads_files);
  role_prompts::sections sections{in.may("prompts"), in.may("variables"), in.may("partials")};
  auto limits_node = in.may("limits");
  auto state_node = in.may("state");
  auto history_node = in.may("history");
  auto idle_node = in.may("idle");
  auto pieces_node = in.may("pieces"), task_node = in.may("task");
  auto unknown_node = in.may("on_unknown");
  auto ways = config_result<void>{};
  auto kind = mind_node ? read_mind(*mind_node) : config_result<const mind_kind*>{nullptr};
  if (kind && *kind)
    ways = read_ways(in, **kind, made.info);
  else
    in.may("talk"), in.may("tasks");
  if (auto done = in.done(); !done)
    return unexpected{std::move(done).error()};
  if (!kind)
    return unexpected{std::move(kind).error()};
  if (!ways)
    return unexpected{std::move(ways).error()};

  auto role_name = read_name(*called_node);
  if (!role_name)
    return unexpected{std::move(role_name).error()};
  auto history = read_history(history_node, **kind);
  if (!history)
    return unexpected{std::move(history).error()};
  if (auto state = read_state(state_node, **kind, history->turns > 0, made); !state)
    return unexpected{std::move(state).error()};
  if (auto unknown = read_on_unknown(unknown_node, made); !unknown)
    return unexpected{std::move(unknown).error()};
  auto terms = read_call_terms(pieces_node, task_node);
  if (!terms)
    return unexpected{std::move(terms).error()};
  if (auto limited = read_limits(limits_node, idle_node, made); !limited)
    return unexpected{std::move(limited).error()};
  auto prompts = role_prompts::read(*document, sections, text, **kind, made.info);
  if (!prompts)
    return unexpected{std::move(prompts).error()};
  read.called_at = {called_node->line(), called_node->column()};
  made.mind = (*kind)->called;
  made.mind_version = (*kind)->version;
  made.cheap = (*kind)->cheap;
  made.reads_input = (*kind)->reads_input;
  made.info.set_name(*role_name);
  made.info.set_description(description);
  made.info.set_model((*kind)->prompts.empty() ? "" : model);
  made.info.set_reads_files(reads_files);
  if (sections.prompts)
    for (const auto& [key, value] : *sections.prompts->fields())
      made.prompts[key.raw().Scalar()] = value.raw().Scalar();
  read.says = std::make_shared<const script>(
      script{*role_name, model, made.output_tokens_max, std::move(prompts->prompts), *history,
             terms->unit, terms->task, std::move(prompts->variables)});
  made.make = [make = (*kind)->make, says = read.says] { return make(says); };
  return read;
}

/// The text of a file, up to the maximum of a role file and a byte more, so that a longer file is
/// noticed.
config_result<std::string> read_text(const std::filesystem::path& path) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error)) // a pipe would be waited for
    return unexpected{config_error{path.string(), 0, 0, "is no regular file"}};
  std::ifstream in(path, std::ios::binary);
  std::string text(limits::yaml_bytes_max + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (!in && !in.eof())
    return unexpected{config_error{path.string(), 0, 0, "cannot be read"}};
  text.resize(static_cast<std::size_t>(in.gcount()));
  return text;
}

/// Hidden files are what editors and systems keep beside a file of theirs.
std::vector<std::filesystem::path> yaml_files(const std::filesystem::path& folder,
                                              std::error_code& failed) {
  std::vector<std::filesystem::path> files;
  std::filesystem::directory_iterator entry(folder, failed), end;
  for (; !failed && entry != end; entry.increment(failed))
    if (const auto& path = entry->path();
        !path.filename().string().starts_with('.')
        && (path.extension() == ".yaml" || path.extension() == ".yml"))
      files.push_back(path);
  std::sort(files.begin(), files.end());
  return files;
}

} // namespace

config_result<role_file> role_file::read(std::string_view yaml, const std::string& file) {
  auto made = read_fields(yaml, file);
  if (!made)
    return made;
  made->file = file;
  made->parsed.definition = yaml;
  made->parsed.definition_hash = short_sha256(yaml);
  return made;
}

config_result<role_file> role_file::load(const std::filesystem::path& file) {
  auto text = read_text(file);
  if (!text)
    return unexpected{std::move(text).error()};
  return read(*text, file.string());
}

config_result<std::map<std::string, role_file, std::less<>>>
role_file::load_all(const std::filesystem::path& folder) {
  std::map<std::string, role_file, std::less<>> all;
  for (const auto& file : embedded_files()) {
    if (!file.name.starts_with("roles/"))
      continue;
    auto made = read(file.text, "built-in " + std::string{file.name});
    if (!made)
      return unexpected{std::move(made).error()};
    auto role_name = made->parsed.info.name();
    all[role_name] = *std::move(made);
  }
  if (folder.empty())
    return all;
  std::error_code failed;
  auto files = yaml_files(folder, failed);
  if (failed)
    return unexpected{config_error{folder.string(), 0, 0,
                                   "cannot read this folder of roles: " + failed.message()}};
  std::map<std::string, std::string> read_from;
  for (const auto& path : files) {
    auto made = load(path);
    if (!made)
      return unexpected{std::move(made).error()};
    auto role_name = made->parsed.info.name();
    if (auto [other, first] = read_from.try_emplace(role_name, path.string()); !first)
      return unexpected{
          config_error{path.string(), made->called_at.first, made->called_at.second,
                       "role " + role_name + " is already defined in " + other->second}};
    all[role_name] = *std::move(made);
  }
  return all;
}

config_result<role> parse_role(std::string_view yaml, const std::string& file) {
  auto made = role_file::read(yaml, file);
  if (!made)
    return unexpected{std::move(made).error()};
  return std::move(made->parsed);
}

config_result<role_table> load_roles(const std::filesystem::path& folder) {
  auto all = role_file::load_all(folder);
  if (!all)
    return unexpected{std::move(all).error()};
  role_table roles;
  for (auto& [role_name, one] : *all)
    roles[role_name] = std::make_shared<const role>(std::move(one.parsed));
  return roles;
}

} // namespace troupe
