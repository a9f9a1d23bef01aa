#include "config/safety_section.hpp"

#include "config/base/utf8.hpp"
#include "config/byte_counts.hpp"
#include "config/config.hpp"
#include "config/keys.hpp"
#include "config/limits/safety.hpp"
#include "config/providers.hpp"
#include "config/yaml.hpp"
#include "config/yaml_text.hpp"

#include <algorithm>
#include <fstream>
#include <optional>
#include <utility>

namespace troupe {

namespace {

namespace fs = std::filesystem;

constexpr safety_check all_checks[] = {
    safety_check::size, safety_check::encoding, safety_check::secret, safety_check::email,
    safety_check::card, safety_check::iban,     safety_check::denied, safety_check::injection};
static_assert(std::size(all_checks) == safety_checks);

constexpr safety_action all_actions[] = {safety_action::off, safety_action::flag,
                                         safety_action::mask, safety_action::block};

/// The three directions, as the section calls them.
struct named_actions {
  const char* key;
  safety_actions safety_policy::*member;
};
constexpr named_actions directions[] = {{"asked", &safety_policy::asked},
                                        {"data", &safety_policy::data},
                                        {"answered", &safety_policy::answered}};

/// A text that is too long, or is none, has nothing that a placeholder could stand for.
constexpr bool can_be_masked(safety_check check) {
  return check != safety_check::size && check != safety_check::encoding;
}

/// What is wrong with a phrase of a deny list; nothing if it is fine.
std::optional<std::string> wrong_with(std::string_view phrase) {
  if (!is_utf8(phrase))
    return "expected UTF-8 text";
  if (phrase.find_first_not_of(" \t\r\n") == phrase.npos)
    return "expected a phrase, found only blanks";
  if (phrase.size() > limits::deny_phrase_bytes_max)
    return "expected at most " + std::to_string(limits::deny_phrase_bytes_max)
           + " bytes a phrase, found " + std::to_string(phrase.size());
  return std::nullopt;
}

/// Reads the keys of one policy: all of them but `roles` and `tenants`.
class safety_policy_reader {
public:
  safety_policy_reader(yaml_reader& in, std::string what, const fs::path& file)
      : in_(in), what_(std::move(what)), file_(file) {}

  safety_policy read(safety_policy usual) {
    made_ = std::move(usual);
    for (const auto& [key, member] : directions)
      if (auto given = in_.may(key))
        read_actions(*given, key, made_.*member);
    if (auto given = in_.may("bytes_max"))
      read_bytes(*given);
    if (auto given = in_.may("denied"))
      read_phrases(*given);
    if (auto given = in_.may("denied_file"))
      read_phrases_of_file(*given);
    return std::move(made_);
  }

private:
  void read_actions(const yaml_node& given, const char* key, safety_actions& to) {
    yaml_reader in(given, std::string(key) + " of " + what_);
    for (auto check : all_checks) {
      std::string name{to_string(check)}, word;
      in.may(name, word);
      auto at = given.find(name);
      if (in.failed() || !at || at->is_null())
        continue;
      auto action = std::find_if(std::begin(all_actions), std::end(all_actions),
                                 [&](auto one) { return to_string(one) == word; });
      if (action == std::end(all_actions))
        in.fail(at->error(name + ": " + mismatch("off, flag, mask or block", word).error));
      else if (*action == safety_action::mask && !can_be_masked(check))
        in.fail(at->error(name + ": expected off, flag or block: there is nothing to mask"));
      else
        to[static_cast<std::size_t>(check)] = *action;
    }
    in_.keep(in.done());
  }

  void read_bytes(const yaml_node& given) {
    auto word = given.text();
    auto bytes = word ? parse_byte_count(*word) : std::nullopt;
    if (bytes && *bytes > 0)
      made_.bytes_max = *bytes;
    else
      in_.fail(given.error("bytes_max: expected an amount of bytes ("
                           + std::string{byte_count_examples} + "), found " + given.found()));
  }

  void read_phrases(const yaml_node& given) {
    auto items = given.list();
    if (!items)
      return in_.fail(given.error("denied: expected a list of phrases, found " + given.found()));
    for (const auto& item : *items) {
      auto phrase = item.text();
      if (!phrase)
        return in_.fail(std::move(phrase).error());
      if (auto why = wrong_with(*phrase))
        return in_.fail(item.error("denied: " + *why));
      if (!add(*std::move(phrase)))
        return in_.fail(item.error("denied: " + too_many()));
    }
    list(); // an empty one takes that of the policy above away
  }

  /// A phrase a line; empty lines and those that begin with # say nothing.
  void read_phrases_of_file(const yaml_node& given) {
    auto named = given.text();
    if (!named)
      return in_.fail(std::move(named).error());
    auto path = fs::absolute(file_).parent_path() / *named;
    std::ifstream in{path};
    if (!in)
      return in_.fail(given.error("denied_file: cannot read " + path.string()));
    list();
    std::string line;
    for (int number = 1; std::getline(in, line); ++number) {
      if (line.ends_with('\r'))
        line.pop_back();
      if (line.starts_with('#') || line.find_first_not_of(" \t") == line.npos)
        continue;
      auto why = wrong_with(line);
      if (!why && !add(line))
        why = too_many();
      if (why)
        return in_.fail(config_error{path.string(), number, 0, "a deny list: " + *why});
    }
    if (in.bad())
      in_.fail(given.error("denied_file: cannot read all of " + path.string()));
  }

  std::vector<std::string>& list() {
    if (!made_.denied)
      made_.denied.emplace();
    return *made_.denied;
  }
  bool add(std::string phrase) {
    auto& to = list();
    if (to.size() == limits::deny_phrases_max)
      return false;
    to.push_back(std::move(phrase));
    return true;
  }
  static std::string too_many() {
    return "expected at most " + std::to_string(limits::deny_phrases_max) + " phrases";
  }

  yaml_reader& in_;
  std::string what_;
  const fs::path& file_;
  safety_policy made_;
};

/// The mapping `roles` or `tenants`.
void read_named(yaml_reader& in, const char* key, std::map<std::string, safety_policy>& to,
                const fs::path& file) {
  auto given = in.may(key);
  if (!given)
    return;
  auto fields = given->fields();
  if (!fields)
    return in.fail(given->error("safety." + std::string(key)
                                + ": expected a mapping from a name to "
                                  "{asked, data, answered, ...}, found "
                                + given->found()));
  if (fields->size() > limits::safety_policies_max)
    return in.fail(given->error("safety." + std::string(key) + ": expected at most "
                                + std::to_string(limits::safety_policies_max) + " names, found "
                                + std::to_string(fields->size())));
  for (const auto& [field, value] : *fields) {
    const auto& name = field.raw().Scalar();
    if (auto fine = check_plain_name(name); !fine)
      return in.fail(field.error("safety." + std::string(key) + ": " + fine.error()));
    auto what = "safety." + std::string(key) + "." + name;
    yaml_reader one(value, what);
    to[name] = safety_policy_reader{one, what, file}.read({});
    in.keep(one.done());
  }
}

std::string show_actions(const safety_actions& of) {
  std::string shown;
  for (auto check : all_checks)
    if (auto action = of[static_cast<std::size_t>(check)]) {
      shown.append(shown.empty() ? "{" : ", ").append(to_string(check));
      shown.append(": ").append(to_string(*action));
    }
  return shown.empty() ? shown : shown + "}";
}

std::string show_policy(const safety_policy& of, const std::string& indent) {
  std::string shown;
  for (const auto& [key, member] : directions)
    if (auto actions = show_actions(of.*member); !actions.empty())
      shown.append(indent).append(key).append(": ").append(actions).append("\n");
  if (of.bytes_max)
    shown += indent + "bytes_max: " + format_byte_count(*of.bytes_max) + "\n";
  if (of.denied && of.denied->empty())
    shown += indent + "denied: []\n";
  else if (of.denied)
    shown += indent + "denied:\n";
  if (of.denied)
    for (const auto& phrase : *of.denied)
      shown += indent + "  - " + yaml_scalar(phrase) + "\n";
  return shown;
}

std::string show_named(const char* key, const std::map<std::string, safety_policy>& all) {
  if (all.empty())
    return {};
  auto shown = "  " + std::string{key} + ":\n";
  for (const auto& [name, policy] : all) {
    auto lines = show_policy(policy, "      ");
    shown += "    " + name + (lines.empty() ? ": {}\n" : ":\n" + lines);
  }
  return shown;
}

} // namespace

const safety_policy& usual_safety() {
  static const safety_policy usual = [] {
    using enum safety_action;
    safety_policy made;
    // size, encoding, secret, email, card, iban, denied, injection
    made.asked = {block, flag, mask, flag, mask, mask, block, off};
    made.data = {block, flag, mask, flag, mask, mask, block, flag};
    made.answered = {block, flag, flag, flag, flag, flag, block, off};
    return made;
  }();
  return usual;
}

config_result<safety_config> read_safety(const yaml_node& section, const fs::path& file) {
  if (!section.is_map())
    return section.fail("safety: expected a mapping, found " + section.found());
  safety_config made;
  yaml_reader in(section, "safety");
  made.all = safety_policy_reader{in, "safety", file}.read(usual_safety());
  read_named(in, "roles", made.roles, file);
  read_named(in, "tenants", made.tenants, file);
  if (auto done = in.done(); !done)
    return unexpected{std::move(done).error()};
  return made;
}

std::string show_safety(const safety_config& of) {
  if (of == safety_config{})
    return {};
  return "safety:\n" + show_policy(of.all, "  ") + show_named("roles", of.roles)
         + show_named("tenants", of.tenants);
}

std::vector<described_key> describe_safety() {
  constexpr std::string_view type = "{CHECK: off | flag | mask | block, ...}";
  return {
      {"safety.asked", type, "secret, card, iban: mask; others: flag",
       "of what is asked of models; checks: size, encoding, secret, email, card, iban, denied, "
       "injection; in a file only (docs/safety.md)"},
      {"safety.data", type, "as asked; injection: flag",
       "the same, of results of tools and passages of documents"},
      {"safety.answered", type, "flag", "the same, of what models answer"},
      {"safety.bytes_max", "amount of bytes", "", "of one text; without it any (check size)"},
      {"safety.denied", "list of phrases", "", "that no text may have (check denied)"},
      {"safety.denied_file", "path", "", "of a file with such phrases, one a line"},
      {"safety.roles.NAME", "{asked, data, answered, bytes_max, denied, denied_file}", "",
       "what is otherwise for a role; it comes before a tenant's, and that before the one of all"},
      {"safety.tenants.NAME", "the same", "", "what is otherwise for a tenant"},
  };
}

} // namespace troupe
