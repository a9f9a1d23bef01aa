#include "config/base/count_of.hpp"
#include "config/base/hex.hpp"
#include "messages/journal.pb.h"
#include "nodes/cli/commands.hpp"
#include "nodes/exit_codes.hpp"
#include "persistence/file_lock.hpp"
#include "persistence/journal/journal_report.hpp"

#include <google/protobuf/util/json_util.h>

namespace troupe::cli {

namespace {

/// A journal, kept from nodes as long as this lives.
struct held_journal {
  std::filesystem::path folder;
  std::optional<file_lock> lock;
};

/// `given`: the data folder of a node, or the folder of the journal in it.
result<held_journal> hold(const std::filesystem::path& given) {
  std::error_code error;
  auto folder = std::filesystem::canonical(given, error);
  if (error == std::errc::no_such_file_or_directory)
    return fail(ec::not_found, "there is no folder " + given.string());
  if (error)
    return fail(ec::invalid_argument, given.string() + " cannot be read: " + error.message());
  held_journal made{folder, {}};
  auto data = folder.parent_path();
  if (std::filesystem::exists(folder / "journal" / "CURRENT", error)) {
    made.folder = folder / "journal";
    data = folder;
  }
  if (!std::filesystem::exists(data / "lock", error))
    return made; // a copy
  auto lock = file_lock::take(data / "lock");
  if (!lock)
    return unexpected{std::move(lock).error()};
  if (!*lock)
    return fail(ec::refused, "a node is using " + data.string() + ": stop it first");
  made.lock = std::move(*lock);
  return made;
}

json damage_json(const journal_damage& damage) {
  json made{{"what", damage.what}};
  if (!damage.file.empty())
    made["file"] = damage.file.string();
  if (damage.offset)
    made["offset"] = *damage.offset;
  return made;
}

json report_json(const std::filesystem::path& folder, const journal_report& found) {
  auto damage = json::array();
  for (const auto& one : found.damage)
    damage.push_back(damage_json(one));
  return {{"folder", folder.string()},
          {"runs", found.runs},
          {"open", found.open},
          {"records", found.records},
          {"bytes", found.bytes},
          {"runs_cut", found.runs_cut},
          {"runs_unknown", found.runs_unknown},
          {"damage", std::move(damage)}};
}

std::string report_text(const std::filesystem::path& folder, const journal_report& found) {
  auto text = folder.string() + ": " + count_of(found.runs, "run") + " ("
              + std::to_string(found.open) + " not ended), " + count_of(found.records, "record")
              + ", " + human_bytes(found.bytes) + "\n";
  for (const auto& one : found.damage)
    text += "damaged: " + one.what + "\n";
  if (found.runs_cut > 0)
    text += "only the beginning can be read of " + count_of(found.runs_cut, "run") + "\n";
  if (found.runs_unknown > 0)
    text += "nothing can be read of " + count_of(found.runs_unknown, "run") + "\n";
  if (found.damage.empty())
    text += "nothing is damaged\n";
  return text;
}

int exit_code_of_report(const journal_report& found) {
  return found.damage.empty() && found.runs_unknown == 0 ? exit_ok : exit_damaged;
}

void print_event(std::string_view run, std::uint64_t number, const std::string& bytes) {
  RunEvent event;
  std::string text;
  json line{{"run", to_hex(run)}, {"number", number}};
  bool is_read = event.ParseFromString(bytes)
                 && google::protobuf::util::MessageToJsonString(event, &text).ok();
  line["event"] = is_read ? json::parse(text, nullptr, false) : json(nullptr);
  print_json(line);
}

} // namespace

int cmd_journal(const journal_command& wanted) {
  auto held = hold(wanted.folder);
  if (!held)
    return report(error_of_files(held.error()), wanted.as_json);
  bool exports = wanted.what == journal_command::task::exported;
  auto found =
      wanted.what == journal_command::task::salvaged
          ? salvage_journal(held->folder, wanted.into)
          : inspect_journal(held->folder, exports ? event_seen{print_event} : event_seen{});
  if (!found)
    return report(error_of_files(found.error()), wanted.as_json);
  auto code = exit_code_of_report(*found);
  if (exports) // standard output is for the events
    return code == exit_ok ? code
                           : report({code, "damaged",
                                     held->folder.string()
                                         + " is damaged, not all of it could be read: `troupe "
                                           "journal check` says where"});
  if (wanted.as_json)
    print_json(report_json(held->folder, *found));
  else
    print(report_text(held->folder, *found));
  return code;
}

} // namespace troupe::cli
