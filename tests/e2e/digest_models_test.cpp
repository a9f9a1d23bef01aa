#include "tests/e2e/simulator.hpp"

/// The main job with a provider's models in place of the built-in one: what they quote is checked
/// against the documents, whatever they say.
namespace troupe::tests {

namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* fee = "Ships pay a fee of nine crowns before they unload.";
constexpr const char* invented = "Bakers pay a fee of seventy crowns.";

class digest_by_models : public simulated_models {
protected:
  /// Quotes one document rightly, invents a sentence of another, and finds nothing in the third.
  void SetUp() override {
    auto quote = [](const std::string& text, const std::string& source) {
      return "\"> " + text + "\\nSource: " + source + "\"\n";
    };
    rules_ = std::string{}
             + "  - contains: Summarise\n    reply: It is about fees.\n"
               "  - contains: answer the question best\n    reply: "
             + quote(fee, "alpha.txt lines 2-2") + "  - contains: Ships pay\n    reply: "
             + quote(fee, "alpha.txt lines 2-2") + "  - contains: loaf\n    reply: "
             + quote(invented, "beta.txt lines 3-4") + "  - reply: NO ANSWER\n";
  }
  /// `first` comes before all other rules.
  void use(const std::string& first = "") {
    simulate(first + rules_);
    mind("reader", "prompts:\n"
                   "  summary: \"Summarise {{name}}. {{passages}}\"\n"
                   "  answer: \"Quote. {{passages}} Question: {{question}}\"\n");
    mind("editor", "prompts:\n"
                   "  best: \"Which answer the question best? {{passages}} {{question}}\"\n");
  }
  /// Instead of the built-in role.
  void mind(const std::string& name, const std::string& prompts) const {
    write_file(roles() / (name + ".yaml"),
               "role: " + name + "\ndescription: By open/any\nmind: " + name
                   + "\nmodel: open/any\ntasks: true\n" + "state: none\n" + prompts);
  }
  std::string report() {
    auto ran = user.troupe(digest(documents(), "What fee do ships pay?"));
    EXPECT_TRUE(ran.ok()) << ran.shown();
    return ran.out;
  }

  std::string rules_;
};

TEST_F(digest_by_models, quotes_only_what_stands_in_the_documents) {
  use();
  cluster two{user, {.nodes = 2}};
  auto told = report();
  EXPECT_THAT(told, AllOf(HasSubstr(fee), HasSubstr("alpha.txt"), HasSubstr("It is about fees.")));
  EXPECT_THAT(told, Not(HasSubstr(invented))) << "no document says that";
  EXPECT_THAT(told, AllOf(HasSubstr("beta.txt"), HasSubstr("gamma.md"))) << "all were read";
  // Two calls a document, and one for all of them.
  EXPECT_EQ(provider_->calls().size(), 3u * 2 + 1);
}

TEST_F(digest_by_models, comes_to_the_same_when_each_call_fails_once) {
  use();
  std::string right;
  {
    cluster one{user, {.nodes = 1}};
    right = report();
  }
  provider_.reset();
  std::filesystem::remove(ledger());
  use("  - first: 1\n    fault: unavailable\n");
  cluster one{user, {.nodes = 1}};
  EXPECT_EQ(report(), right);
}

} // namespace

} // namespace troupe::tests
