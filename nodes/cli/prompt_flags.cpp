#include "nodes/cli/command_table.hpp"
#include "nodes/cli/commands.hpp"

namespace troupe::cli {

void add_prompt(command_table& table) {
  auto prompt = table.app.add_subcommand("prompt", "Show what a role says to its model");
  prompt->require_subcommand(1);
  prompt->footer("\nExamples:\n"
                 "  troupe prompt render assistant --set question=\"May I sell copies?\"\n"
                 "  troupe prompt render ./poet.yaml --set tone=kind --set 'tags=[\"a\", \"b\"]'\n"
                 "  troupe prompt render ./poet.yaml --values values.json --json");
  auto wanted = std::make_shared<prompt_command>();
  auto app = prompt->add_subcommand(
      "render", "Fill a role's prompts, and show what of them is the same in each call");
  app->callback(
      [&table, wanted] { table.chosen = [wanted] { return cmd_prompt_render(*wanted); }; });
  app->add_option("role", wanted->role, "A role's name, or a file: with a / or .yaml")
      ->required()
      ->type_name("ROLE");
  app->add_option("--set", wanted->set,
                  "The value of a variable; lists and records as JSON; repeatable")
      ->type_name("NAME=VALUE")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  app->add_option("--values", wanted->values,
                  "A file with values (JSON or YAML); --set comes first")
      ->type_name("FILE")
      ->check(is_given);
  app->add_option("--config", wanted->config, "Configuration file, for the folder of roles")
      ->type_name("FILE")
      ->check(is_given)
      ->envname("TROUPE_CONFIG");
  add_json(app, wanted->as_json);
}

} // namespace troupe::cli
