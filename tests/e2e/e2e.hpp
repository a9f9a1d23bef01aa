#pragma once

#include "tests/support/cluster.hpp"

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

/// What the end-to-end tests share: the fixture, and the only place that knows the shape of the
/// command's JSON.
namespace troupe::tests {

inline const std::filesystem::path licences = "/usr/share/common-licenses";
inline const std::string question = "What must I do when I give the program to others?";

/// The program of this build, or $TROUPE_TEST_PROGRAM.
std::filesystem::path program_under_test();

/// A user's home for each test. Afterwards, none of its processes and temporary files may be left.
class e2e_test : public ::testing::Test {
protected:
  e2e_test() : user(program_under_test()) { adopt_orphans(); }
  void TearDown() override;

  /// A folder with three short documents, `alpha.txt`, `beta.txt` and `gamma.md`.
  std::filesystem::path documents() const;
  /// A folder of so many documents of one line.
  std::filesystem::path short_documents(int count) const;

  home user;
};

/// TROUPE_REQUIRE names it (`jaeger`): a test that lacks it fails instead of being skipped.
bool is_required(std::string_view what);

/// The arguments of `troupe run digest` on a folder.
std::vector<std::string> digest(const std::filesystem::path& folder,
                                const std::string& asked = question,
                                std::vector<std::string> more = {});

// -- the shapes of --json -------------------------------------------------------------------------

/// `troupe status --json`: nodes by name.
std::map<std::string, json> nodes_in(const json& status);

struct told_span {
  std::string id;
  std::string parent; ///< empty for a root
  std::string name;
  std::string node_name;
  json attributes;
};

/// `troupe trace --json`.
struct told_trace {
  std::string id;
  std::vector<told_span> spans;
  std::vector<std::string> silent; ///< nodes that did not answer
};
told_trace trace_in(const json& trace);

std::vector<told_span> roots_of(const told_trace& trace);
/// Names of the spans whose parent is not in the trace.
std::vector<std::string> orphans_of(const told_trace& trace);
std::set<std::string> node_names_of(const told_trace& trace);

/// The name of the node that is the home of an agent, ROLE/KEY.
std::string home_name(const cluster& where, const std::string& agent);

/// The message in `{"error": {...}}`, which a failed command with --json prints.
std::string error_message(const json& answer);

// -- reports --------------------------------------------------------------------------------------

/// A quotation in a report: a block of `> ` lines and its source.
struct quotation {
  std::string text;
  std::string document;
  std::size_t first_line = 0;
  std::size_t last_line = 0;
};
std::vector<quotation> quotations_in(const std::string& report);

/// Some lines of a text, counted from 1, with white space folded into single spaces.
std::string folded_lines(const std::string& text, std::size_t first, std::size_t last);
std::string folded(std::string_view text);

// -- waiting --------------------------------------------------------------------------------------

/// Waits until the file has a line, after its first `from` bytes, that contains all of `words`.
bool wait_for_line(const std::filesystem::path& file, const std::vector<std::string>& words,
                   clock::duration at_most, std::size_t from = 0);

/// Runs `troupe status --json` until `fits` returns true, and returns the last answer. Each
/// question is a separate process, so this is not a busy loop.
json await_status(const home& user, const std::function<bool(const json&)>& fits,
                  clock::duration at_most = 30s);

} // namespace troupe::tests
