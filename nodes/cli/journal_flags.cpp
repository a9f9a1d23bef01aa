#include "nodes/cli/command_table.hpp"
#include "nodes/cli/commands.hpp"

namespace troupe::cli {

void add_journal(command_table& table) {
  auto journal = table.app.add_subcommand(
      "journal", "Look into the journal of a node that is not running, or bring out what is whole");
  journal->require_subcommand(1);
  journal->footer("\nExamples:\n"
                  "  troupe journal check ~/.local/state/troupe/default/node-1\n"
                  "  troupe journal export node-1 > events.jsonl\n"
                  "  troupe journal salvage node-1 new-journal\n"
                  "\nExits with 65 if something is damaged, and says which file, and where.");
  auto add = [&](const char* called, const char* does, journal_command::task what) {
    auto wanted = std::make_shared<journal_command>();
    wanted->what = what;
    auto app = journal->add_subcommand(called, does);
    app->add_option("dir", wanted->folder, "A node's data folder, or the journal folder in it")
        ->required()
        ->type_name("DIR")
        ->check(is_given);
    app->callback([&table, wanted] { table.chosen = [wanted] { return cmd_journal(*wanted); }; });
    app->add_flag("--json", wanted->as_json, "Print JSON, also for errors: {\"error\": {...}}");
    return std::pair{app, wanted};
  };
  add("check", "Read all of it, and say what is there and what is damaged",
      journal_command::task::checked);
  add("export", "Print all events that can be read, one JSON object a line",
      journal_command::task::exported);
  auto [salvage, wanted] =
      add("salvage", "Bring what can be read into a new journal", journal_command::task::salvaged);
  salvage->add_option("out", wanted->into, "Folder for the new journal: it is made")
      ->required()
      ->type_name("OUT")
      ->check(is_given);
}

} // namespace troupe::cli
