#include "config/limits/simulate.hpp"
#include "tests/unit/http/simulation.hpp"

/// Bodies that are JSON, that are not, and those where readers differ (the cases y_, n_ and i_ of
/// JSONTestSuite); and texts that have broken programs before.
namespace troupe {

using namespace std::string_literals;

namespace {

using namespace http_testing;

const std::vector<std::string> wrong_values{"01"s,
                                            "-01"s,
                                            "+1"s,
                                            ".5"s,
                                            "1."s,
                                            "1.e1"s,
                                            "1e"s,
                                            "1e+"s,
                                            "0x1"s,
                                            "1 000"s,
                                            "-"s,
                                            "--1"s,
                                            "1+2"s,
                                            "NaN"s,
                                            "Infinity"s,
                                            "-Infinity"s,
                                            "\xef\xbc\x91"s,
                                            "tru"s,
                                            "True"s,
                                            "nul"s,
                                            "nullx"s,
                                            "*"s,
                                            "<null>"s,
                                            "'a'"s,
                                            "\"a"s,
                                            "a\""s,
                                            "\"\\\""s,
                                            "\"\\"s,
                                            "\"\\u"s,
                                            "\"\\a\""s,
                                            "\"\\x41\""s,
                                            "\"\\u00A\""s,
                                            "\"\\u{41}\""s,
                                            "\"\\uD83D\\u\""s,
                                            "\"\t\""s,
                                            "\"\n\""s,
                                            "\"\x1f\""s,
                                            "\"\0\""s,
                                            "\"a\0b\""s,
                                            "[1,]"s,
                                            "[,1]"s,
                                            "[1,,2]"s,
                                            "[1 2]"s,
                                            "["s,
                                            "]"s,
                                            "[}"s,
                                            "[1"s,
                                            "[1,\n"s,
                                            "{\"a\":}"s,
                                            "{\"a\"}"s,
                                            "{a:1}"s,
                                            "{'a':1}"s,
                                            "{\"a\":1,}"s,
                                            "{,}"s,
                                            "{1:1}"s,
                                            "{\"a\" 1}"s,
                                            "{\"a\":1 \"b\":2}"s,
                                            "{\"a\"::1}"s,
                                            "//c\n1"s,
                                            "/*c*/1"s,
                                            "1/**/"s,
                                            "#x\n1"s,
                                            "\x0c"
                                            "1"s,
                                            "1\0"s,
                                            "\xe2\x81\xa0"
                                            "1"s,
                                            "1}"s};

class json_bodies : public a_simulation {
protected:
  /// A chat with one field more.
  static std::string with(const std::string& value) {
    return R"({"model":"m","messages":[{"role":"user","content":"x"}],"x":)" + value + "}";
  }
  std::string status_of(const std::string& body) {
    auto heard = raw("/v1/chat/completions", body);
    auto told = json::parse(body_of(heard), nullptr, false);
    EXPECT_FALSE(told.is_discarded()) << "the answer is no JSON: " << heard;
    auto status = status_line(heard);
    EXPECT_EQ(told.contains("error"), status != "HTTP/1.1 200 OK") << heard;
    return status;
  }
  void expect_taken(const std::string& body) {
    EXPECT_EQ(status_of(body), "HTTP/1.1 200 OK") << body.substr(0, 100);
  }
  void expect_refused(const std::string& body) {
    EXPECT_EQ(status_of(body), "HTTP/1.1 400 Bad Request") << body.substr(0, 100);
  }
};

TEST_F(json_bodies, that_are_right_are_taken) {
  for (auto value : {"[]",
                     "{}",
                     "[[[]]]",
                     "\"\"",
                     "null",
                     "true",
                     "false",
                     "0",
                     "-0",
                     "-0.0",
                     "0e1",
                     "1E+2",
                     "1e-2",
                     "123.456e78",
                     "1e-400",
                     "18446744073709551615",
                     "-9223372036854775808",
                     "\"\\u0000\"",
                     "\"\\ud83d\\ude00\"",
                     "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"",
                     "\"\x7f\"",
                     "\"\\u0012\"",
                     "\"\xef\xbf\xbf\"",
                     "\"\xe2\x80\xa8\"",
                     "\"\xf4\x8f\xbf\xbf\"",
                     "\"\\uFFFF\"",
                     "\"//\"",
                     "{\"\":0}",
                     "{\"a\\u0000b\":1}",
                     " [ 1 , 2 ] ",
                     "\t\r\n1"})
    expect_taken(with(value));
  expect_taken(" \r\n\t" + with("1") + " \n");
}

TEST_F(json_bodies, that_are_wrong_are_refused) {
  for (const auto& value : wrong_values)
    expect_refused(with(value));
  for (const auto& body : {""s, " "s, "\0"s, "1"s, "null"s, "\"x\""s, "[]"s, with("1") + "x",
                           with("1") + "{}", with("1") + "\0"s, with("1") + ",",
                           with("1").substr(1), "{"s, "{\"model\":"s, std::string(100'000, '{')})
    expect_refused(body);
}

/// Where readers differ: nothing is guessed, cut or replaced.
TEST_F(json_bodies, that_are_read_in_different_ways_elsewhere_are_refused) {
  for (const auto& value : {"1e400"s,
                            "-1e400"s,
                            "123123e100000"s,
                            "0.4e006699999999999999999999999999999999999"s,
                            "18446744073709551616"s,
                            "-9223372036854775809"s,
                            std::string(400, '9'),
                            "\"\\ud800\""s,
                            "\"\\udc00\""s,
                            "\"\\udc00\\ud800\""s,
                            "\"\\ud800\\u0041\""s,
                            "\"\\ud800\\ud800\""s,
                            "\"\\ud800abc\""s,
                            "{\"\\udc00\":1}"s,
                            "\"\xff\""s,
                            "\"\xed\xa0\x80\""s,
                            "\"\xc0\x80\""s,
                            "\"\xe0\x80\xaf\""s,
                            "\"\xf4\xbf\xbf\xbf\""s,
                            "\"\xf0\x9f\x98\""s,
                            "\"\x80\""s,
                            "\xa0"
                            "1"s})
    expect_refused(with(value));
  expect_refused("\xef\xbb\xbf" + with("1")); // a byte order mark
  expect_refused("\xff\xfe{\0\"\0m\0\"\0:\0"
                 "1\0}\0"s);
  expect_refused(R"({"model":"m","mod\u0065l":"n","messages":[{"role":"user","content":"x"}]})");
  auto deep = [](std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  expect_taken(with(deep(limits::simulate_json_depth_max - 1))); // the body itself is one more
  expect_refused(with(deep(limits::simulate_json_depth_max)));
  std::string objects;
  for (std::size_t i = 0; i < limits::simulate_json_depth_max; ++i)
    objects += "{\"a\":";
  expect_refused(with(objects + "1" + std::string(limits::simulate_json_depth_max, '}')));
}

/// A choice of the "big list of naughty strings", and what HTTP.md of others' mistakes names.
const std::vector<std::string> naughty_strings{"undefined",
                                               "null",
                                               "NULL",
                                               "(null)",
                                               "nil",
                                               "NaN",
                                               "true",
                                               "\\",
                                               "\\\\",
                                               "0x0",
                                               "1/0",
                                               "-1",
                                               "99999999999999999999999",
                                               "1e1000",
                                               "../../../etc/passwd",
                                               "..\\..\\boot.ini",
                                               "C:\\con\\nul",
                                               "/dev/null; touch /tmp/x ; echo",
                                               "$HOME",
                                               "`id`",
                                               "$(id)",
                                               "%d%n%s%x",
                                               "%00",
                                               "%0d%0aX-Evil: 1",
                                               "\r\nX-Evil: 1\r\n\r\nHTTP/1.1 200 OK\r\n",
                                               "a\nb",
                                               "a\rb",
                                               "data: [DONE]",
                                               "\n\ndata: [DONE]\n\n",
                                               "event: message_stop\n\n",
                                               "<script>alert(1)</script>",
                                               "'; DROP TABLE users;--",
                                               "{{7*7}}",
                                               "${7*7}",
                                               "{question}",
                                               "{0}",
                                               "%{x}",
                                               "=cmd|' /C calc'!A0",
                                               "\xef\xbb\xbf",
                                               "\xef\xbf\xbe",
                                               "\342\200\256txt.exe",
                                               "\xe2\x80\x8b\xe2\x80\x8d",
                                               "Z\315\221\315\216\314\272\314\257algo",
                                               "\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x91\xa7",
                                               "\xef\xb7\xbd",
                                               "\xd8\xa8\xd8\xb3\xd9\x85",
                                               "\xe7\x94\xb0\xe4\xb8\xad",
                                               "\xc2\xa0",
                                               "\x1b[31mred\x1b[0m",
                                               "\x07\x08",
                                               std::string("a\0b", 3),
                                               "\"",
                                               "'",
                                               "\"}",
                                               "]}",
                                               "--",
                                               "-h",
                                               "--help",
                                               "@file",
                                               "file:///etc/passwd",
                                               "http://169.254.169.254/latest",
                                               "CON",
                                               "*",
                                               "?",
                                               "[",
                                               "~",
                                               "#",
                                               "&",
                                               ";",
                                               "|",
                                               std::string(5'000, 'A')};

TEST_F(json_bodies, come_back_as_they_were_whatever_they_say) {
  simulation_options options;
  options.usual.reply = "{question}";
  start(std::move(options));
  for (const auto& text : naughty_strings) {
    auto body = question(text);
    body["model"] = text;
    auto heard = raw("/v1/chat/completions", body.dump());
    ASSERT_EQ(status_line(heard), "HTTP/1.1 200 OK") << text;
    auto head = heard.substr(0, heard.find("\r\n\r\n"));
    EXPECT_EQ(head.find("X-Evil"), head.npos) << head;
    auto told = json::parse(body_of(heard), nullptr, false);
    EXPECT_EQ(told["model"], text);
    EXPECT_EQ(text_of(told), text);
    body["stream"] = true;
    std::string joined;
    for (const auto& piece : events("/v1/chat/completions", body)) {
      ASSERT_FALSE(piece.is_discarded()) << "the text ended its line: " << text;
      joined += piece["choices"][0]["delta"].value("content", "");
    }
    EXPECT_TRUE(done_) << text;
    EXPECT_EQ(joined, text);
    auto claude = message(text);
    claude["model"] = text;
    claude["max_tokens"] = 10'000;
    auto said = ask("/v1/messages", claude);
    EXPECT_EQ(said["model"], text);
    EXPECT_EQ(said["content"][0]["text"], text);
  }
}

TEST_F(json_bodies, and_headers_with_such_texts_end_no_line_of_an_answer) {
  for (auto text : naughty_strings) {
    if (text.size() > 1'000 || text == "{question}" || text.find("\r\n") != text.npos)
      continue; // too long, replaced, or two lines that are right
    auto sent = "X-Simulate-Reply: " + text + "\r\n";
    auto heard = raw("/v1/chat/completions", question().dump(), sent);
    auto head = heard.substr(0, heard.find("\r\n\r\n"));
    EXPECT_EQ(head.find("X-Evil"), head.npos) << head;
    bool is_one_line = text.find_first_of(std::string("\r\n\0\x07\x08\x1b", 6)) == text.npos;
    EXPECT_EQ(status_line(heard), is_one_line ? "HTTP/1.1 200 OK" : "HTTP/1.1 400 Bad Request")
        << text;
    if (is_one_line && text.find_first_not_of(" \t") != text.npos)
      EXPECT_EQ(text_of(json::parse(body_of(heard))), text);
  }
}

} // namespace
} // namespace troupe
