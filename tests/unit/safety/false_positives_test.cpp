#include "actors/llm/safety/safety_scan.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <string>
#include <vector>

namespace troupe {
namespace {

namespace fs = std::filesystem;

struct search_result {
  std::size_t files = 0, bytes = 0;
  safety_counts found{};
  std::vector<std::string> told; ///< all but e-mail addresses, which are right
};

search_result search(const fs::path& folder) {
  safety_rules rules;
  for (auto check : {safety_check::secret, safety_check::email, safety_check::card,
                     safety_check::iban, safety_check::injection})
    rules.set(check, safety_action::flag);
  search_result made;
  std::error_code failed;
  std::vector<fs::path> files;
  for (fs::recursive_directory_iterator at(folder, failed), end; !failed && at != end;
       at.increment(failed))
    if (at->is_regular_file(failed) && at->path().extension() != ".gz")
      files.push_back(at->path());
  std::sort(files.begin(), files.end());
  for (const auto& file : files) {
    std::ifstream in{file, std::ios::binary};
    std::string text{std::istreambuf_iterator<char>{in}, {}};
    ++made.files;
    made.bytes += text.size();
    for (const auto& one : scan(text, rules)) {
      ++made.found[static_cast<std::size_t>(one.check)];
      if (one.check != safety_check::email)
        made.told.push_back(
            file.string() + ": " + place_text(one) + ": "
            + text.substr(one.begin, std::min<std::size_t>(one.end - one.begin, 60)));
    }
  }
  return made;
}

void tell(const char* folder, const search_result& of) {
  std::cout << folder << ": " << of.files << " files, " << of.bytes / 1'024 << " KiB:";
  for (std::size_t check = 0; check < safety_checks; ++check)
    if (of.found[check] > 0)
      std::cout << " " << to_string(static_cast<safety_check>(check)) << " " << of.found[check];
  std::cout << "\n";
  for (std::size_t i = 0; i < std::min<std::size_t>(of.told.size(), 40); ++i)
    std::cout << "  " << of.told[i] << "\n";
}

TEST(false_positives, are_none_in_the_licences) {
  constexpr auto folder = "/usr/share/common-licenses";
  if (!fs::exists(folder))
    GTEST_SKIP() << folder << " is not there";
  auto found = search(folder);
  tell(folder, found);
  EXPECT_TRUE(found.told.empty());
}

/// What is on this system differs, so few are allowed.
TEST(false_positives, are_few_in_the_documents_of_the_system) {
  constexpr auto folder = "/usr/share/doc";
  if (!fs::exists(folder))
    GTEST_SKIP() << folder << " is not there";
  auto found = search(folder);
  tell(folder, found);
  constexpr std::size_t mib = 1'024 * 1'024;
  EXPECT_LE(found.told.size(), 3 + found.bytes / mib);
}

} // namespace
} // namespace troupe
