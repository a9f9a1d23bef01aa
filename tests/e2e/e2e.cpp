#include "tests/e2e/e2e.hpp"

#include "actors/cluster/member_view.hpp"

#include <algorithm>
#include <cstdlib>
#include <regex>
#include <sstream>
#include <utility>

#include <poll.h>
#include <sys/inotify.h>
#include <unistd.h>

namespace fs = std::filesystem;

namespace troupe::tests {

fs::path program_under_test() {
  const char* given = std::getenv("TROUPE_TEST_PROGRAM");
  return given ? given : TROUPE_BINARY_DIR "/troupe";
}

bool is_required(std::string_view what) {
  const char* required = std::getenv("TROUPE_REQUIRE");
  return required && std::string_view{required}.find(what) != std::string_view::npos;
}

void e2e_test::TearDown() {
  for (const auto& left : end_leftovers())
    ADD_FAILURE() << "left behind: " << left;
  for (const auto& entry : fs::directory_iterator{user.temporary_files()})
    ADD_FAILURE() << "left behind: " << entry.path();
}

fs::path e2e_test::short_documents(int count) const {
  auto folder = user.path() / ("documents-" + std::to_string(count));
  for (int i = 0; i < count; ++i)
    write_file(folder / (std::to_string(i) + ".txt"),
               "Whoever gives the program to others must give them its source too.\n");
  return folder;
}

fs::path e2e_test::documents() const {
  auto folder = user.path() / "documents";
  write_file(folder / "alpha.txt",
             "The harbour opens at six in the morning.\n"
             "Ships pay a fee of nine crowns before they unload.\n\n"
             "The lighthouse was built by two brothers, and its lamp is oil.\n");
  write_file(
      folder / "beta.txt",
      "Bread is baked twice a day.\n\n"
      "A baker who sells a loaf that is too light\npays a fee of two crowns to the guild.\n");
  write_file(
      folder / "gamma.md",
      "# Stables\n\nHorses rest on Sundays.\n\nA rider leaves a fee of one crown for hay.\n");
  return folder;
}

std::vector<std::string> digest(const fs::path& folder, const std::string& asked,
                                std::vector<std::string> more) {
  std::vector<std::string> words{"run",     "digest",           "--input", "dir=" + folder.string(),
                                 "--input", "question=" + asked};
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

std::map<std::string, json> nodes_in(const json& status) {
  std::map<std::string, json> found;
  for (const auto& node : status.at("nodes"))
    found[node.at("name")] = node;
  return found;
}

told_trace trace_in(const json& trace) {
  told_trace told;
  told.id = trace.at("trace_id");
  for (const auto& span : trace.at("spans"))
    told.spans.push_back({span.at("span_id"), span.value("parent_span_id", ""), span.at("name"),
                          span.at("node_name"), span.at("attributes")});
  for (const auto& node : trace.value("silent", json::array()))
    told.silent.push_back(node);
  return told;
}

std::vector<told_span> roots_of(const told_trace& trace) {
  std::vector<told_span> roots;
  std::copy_if(trace.spans.begin(), trace.spans.end(), std::back_inserter(roots),
               [](const told_span& span) { return span.parent.empty(); });
  return roots;
}

std::vector<std::string> orphans_of(const told_trace& trace) {
  std::set<std::string> known;
  for (const auto& span : trace.spans)
    known.insert(span.id);
  std::vector<std::string> orphans;
  for (const auto& span : trace.spans)
    if (!span.parent.empty() && !known.contains(span.parent))
      orphans.push_back(span.name);
  return orphans;
}

std::set<std::string> node_names_of(const told_trace& trace) {
  std::set<std::string> names;
  for (const auto& span : trace.spans)
    names.insert(span.node_name);
  return names;
}

std::string home_name(const cluster& where, const std::string& agent) {
  member_view view;
  for (const auto& node : where.nodes()) {
    member known;
    known.id = parse_id128<node_id>(node.id).value();
    view.members.push_back(known);
  }
  std::sort(view.members.begin(), view.members.end(),
            [](const member& a, const member& b) { return a.id < b.id; });
  return where.node(to_string(home_of(name{agent}, view))).name;
}

std::string error_message(const json& answer) {
  return answer.is_object() && answer.contains("error") ? answer["error"].value("message", "")
                                                        : "no error in " + answer.dump();
}

namespace {

/// Reads a report line by line. The source of a quotation is behind it, "GPL-3, lines 10-24", or in
/// front of it: the document's heading "### GPL-3", then "Best answer, lines 10-24:".
class report_reader {
public:
  void take(const std::string& line) {
    static const std::regex place{R"(^(?:Best answer|(\S+)), lines? (\d+)(?:-(\d+))?:?$)"};
    std::smatch match;
    if (line.starts_with(">")) {
      if (!open_)
        found_.push_back(std::exchange(announced_, {}));
      open_ = true;
      found_.back().text += line.substr(std::min<std::size_t>(2, line.size())) + "\n";
      return;
    }
    open_ = false;
    if (line.starts_with("### "))
      heading_ = line.substr(4);
    if (!std::regex_search(line, match, place))
      return;
    bool before = !match[1].matched;
    auto& quoted = before || found_.empty() ? announced_ : found_.back();
    quoted.document = before ? heading_ : match[1].str();
    quoted.first_line = std::stoul(match[2]);
    quoted.last_line = match[3].matched ? std::stoul(match[3]) : quoted.first_line;
  }

  std::vector<quotation> found() && { return std::move(found_); }

private:
  std::string heading_;
  quotation announced_;
  bool open_ = false;
  std::vector<quotation> found_;
};

/// Removes the backslashes that keep Markdown from reading HTML in a quotation.
std::string unescaped(std::string text) {
  for (auto at = text.find("\\<"); at != text.npos; at = text.find("\\<", at))
    text.erase(at, 1);
  return text;
}

} // namespace

std::vector<quotation> quotations_in(const std::string& report) {
  report_reader reader;
  std::istringstream lines{report};
  for (std::string line; std::getline(lines, line);)
    reader.take(line);
  auto found = std::move(reader).found();
  for (auto& quoted : found)
    quoted.text = unescaped(std::move(quoted.text));
  return found;
}

std::string folded(std::string_view text) {
  std::string out;
  for (char c : text) {
    bool space = c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f';
    if (!space)
      out += c;
    else if (!out.empty() && out.back() != ' ')
      out += ' ';
  }
  while (!out.empty() && out.back() == ' ')
    out.pop_back();
  return out;
}

std::string folded_lines(const std::string& text, std::size_t first, std::size_t last) {
  std::istringstream lines{text};
  std::string kept;
  std::size_t number = 0;
  for (std::string line; std::getline(lines, line);)
    if (++number >= first && number <= last)
      kept += line + "\n";
  return folded(kept);
}

namespace {

bool has_line(const fs::path& file, const std::vector<std::string>& words, std::size_t from) {
  auto text = read_file(file);
  std::istringstream lines{text.substr(std::min(from, text.size()))};
  for (std::string line; std::getline(lines, line);)
    if (std::all_of(words.begin(), words.end(),
                    [&](const std::string& word) { return line.find(word) != line.npos; }))
      return true;
  return false;
}

} // namespace

bool wait_for_line(const fs::path& file, const std::vector<std::string>& words,
                   clock::duration at_most, std::size_t from) {
  auto deadline = clock::now() + at_most;
  int watch = ::inotify_init1(IN_CLOEXEC);
  ::inotify_add_watch(watch, file.parent_path().c_str(), IN_MODIFY | IN_CREATE | IN_MOVED_TO);
  bool found = has_line(file, words, from);
  while (!found) {
    auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - clock::now());
    pollfd waiting{watch, POLLIN, 0};
    if (left.count() <= 0 || ::poll(&waiting, 1, static_cast<int>(left.count())) <= 0)
      break;
    char events[4096];
    if (::read(watch, events, sizeof events) <= 0)
      break;
    found = has_line(file, words, from);
  }
  ::close(watch);
  return found;
}

json await_status(const home& user, const std::function<bool(const json&)>& fits,
                  clock::duration at_most) {
  auto deadline = clock::now() + at_most;
  json last;
  do {
    auto asked = user.troupe({"status", "--json"});
    if (!asked.ok())
      continue;
    last = asked.parsed();
    if (fits(last))
      return last;
  } while (clock::now() < deadline);
  ADD_FAILURE() << "the status never became as awaited; the last was " << last.dump(1);
  return last;
}

} // namespace troupe::tests
