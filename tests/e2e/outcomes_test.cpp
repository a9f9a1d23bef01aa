#include "tests/e2e/e2e.hpp"
#include "tests/support/proxy.hpp"

#include <csignal>

/// A client's connection ends between the message and the answer. The client learns either that the
/// message was handled once, with the answer, or that nobody knows.
namespace troupe::tests {

namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr int exit_outcome_unknown = 76;

class outcomes : public e2e_test {
protected:
  /// How often agents of a role handled a message, on all nodes.
  static int messages_done(const cluster& where, const std::string& role) {
    double sum = 0;
    for (const auto& node : where.nodes()) {
      auto text = http_get("http://" + node.http_address + "/metrics").body;
      auto wanted = "agent_tasks_processed_total{agent_id=\"" + role
                    + "\",status=\"success\",task_type=\"message\"} ";
      if (auto at = text.find(wanted); at != std::string::npos)
        sum += std::stod(text.substr(at + wanted.size()));
    }
    return static_cast<int>(sum);
  }

  /// Passes everything until `word` arrives from the client. From then on, `what` happens to each
  /// piece of the first connection.
  static proxy::rule after(const std::string& word,
                           std::function<proxy::fate(bool from_client)> what) {
    return [word, what, said = false](bool from_client, std::string_view bytes) mutable {
      if (!said) {
        said = from_client && bytes.find(word) != std::string_view::npos;
        return said ? what(true) : proxy::fate::pass;
      }
      return what(from_client);
    };
  }
};

TEST_F(outcomes, a_message_whose_answer_was_lost_is_done_once_and_answered) {
  cluster two{user, {.nodes = 2}};
  bool lost = false;
  proxy door{two.nodes()[0].address, after("stapler", [&](bool from_client) {
               if (from_client || lost)
                 return proxy::fate::pass;
               lost = true;
               return proxy::fate::cut;
             })};
  auto told = user.troupe(
      {"send", "librarian/ada", "Remember: the stapler is red.", "--peer", door.address()});
  EXPECT_TRUE(lost);
  EXPECT_TRUE(told.ok()) << told.shown();
  EXPECT_THAT(told.out, HasSubstr("I shall remember that"));
  EXPECT_EQ(messages_done(two, "librarian"), 1);
}

// An agent without a state on disk: a durable one would know what it has answered.
TEST_F(outcomes, a_node_that_cannot_tell_any_more_makes_the_outcome_unknown) {
  cluster one{user, {.nodes = 1}};
  auto node = one.nodes()[0];
  for (bool as_json : {false, true}) {
    bool killed = false;
    auto pid = one.nodes()[0].pid;
    proxy door{node.address, after("stapler", [&](bool from_client) {
                 if (from_client || killed)
                   return proxy::fate::pass;
                 killed = true;
                 ::kill(pid, SIGKILL);
                 return proxy::fate::cut;
               })};
    std::vector<std::string> command{"send", "assistant/bob", "Is the stapler red?", "--peer",
                                     door.address()};
    if (as_json)
      command.push_back("--json");
    auto told = user.troupe(command);
    EXPECT_TRUE(killed);
    EXPECT_EQ(told.ended.code, exit_outcome_unknown) << told.shown();
    EXPECT_THAT(as_json ? error_message(told.parsed()) : told.err,
                AllOf(HasSubstr("is not known"), HasSubstr("look before you send it")));
    if (as_json) {
      EXPECT_EQ(told.parsed().at("error").at("code"), "outcome_unknown");
    }
    one.await_restart("node-1", pid);
  }
}

TEST_F(outcomes, without_any_node_to_come_back_to_it_is_unknown_too) {
  cluster one{user, {.nodes = 1, .arguments = {"--no-restart"}}};
  auto node = one.nodes()[0];
  bool killed = false;
  proxy door{node.address, after("stapler", [&](bool from_client) {
               if (from_client || killed)
                 return killed ? proxy::fate::cut : proxy::fate::pass;
               killed = true;
               ::kill(node.pid, SIGKILL);
               return proxy::fate::cut;
             })};
  auto told = user.troupe({"send", "librarian/cy", "Remember: the stapler is red.", "--peer",
                           door.address(), "--timeout", "3s"});
  EXPECT_EQ(told.ended.code, exit_outcome_unknown) << told.shown();
  EXPECT_THAT(told.err, HasSubstr("is not known"));
}

TEST_F(outcomes, a_run_goes_on_when_its_client_comes_back) {
  cluster two{user, {.nodes = 2, .arguments = {"--set", "models.offline_delay=400ms"}}};
  bool cut = false;
  proxy door{two.nodes()[0].address, [&](bool from_client, std::string_view bytes) {
               // Progress names tasks once the run is accepted and partly done.
               if (cut || from_client || bytes.find("read[") == std::string_view::npos)
                 return proxy::fate::pass;
               cut = true;
               return proxy::fate::cut;
             }};
  auto ran = user.troupe(digest(documents(), question, {"--peer", door.address()}));
  EXPECT_TRUE(cut);
  EXPECT_TRUE(ran.ok()) << ran.shown();
  EXPECT_THAT(ran.err, HasSubstr("tasks done"));
}

} // namespace

} // namespace troupe::tests
