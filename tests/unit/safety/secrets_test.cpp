#include "actors/llm/safety/secrets_in.hpp"

#include "tests/unit/safety/sample_secrets.hpp"

#include <gtest/gtest.h>

#include <string>

namespace troupe {
namespace {

safety_findings secrets_in(std::string_view text) {
  safety_findings found;
  find_secrets(text, found);
  return found;
}

TEST(secrets, of_every_form_are_found_where_they_are) {
  for (const auto& secret : sample_secrets())
    for (const std::string before : {"", "key=", "\"", "token: "})
      for (const std::string after : {"", "\"", ".", " and so on"}) {
        auto found = secrets_in(before + secret + after);
        ASSERT_EQ(found.size(), 1u) << before << secret << after;
        EXPECT_EQ(found[0].begin, before.size());
        EXPECT_EQ(found[0].end, before.size() + secret.size()) << secret << after;
      }
}

TEST(secrets, with_a_wrong_checksum_are_none) {
  std::string token = std::string{"gh"} + "p_zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ0mLq17";
  EXPECT_EQ(secrets_in(token).size(), 1u);
  token.back() = '8';
  EXPECT_TRUE(secrets_in(token).empty());
}

TEST(secrets, are_no_words_examples_or_parts_of_words) {
  for (const auto* text :
       {"a task-force-for-the-improvement-of-everything-that-is-there",
        "sk-this-is-the-place-where-your-key-has-to-be-written",
        "sk-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", "AKIAIOSFODNN7EXAMPLE",
        "AKIAAAAAAAAAAAAAAAAA", "hf_", "eyJ is no token", "eyJhbGciOiJub25lIn0",
        "-----BEGIN CERTIFICATE-----\nabc\n-----END CERTIFICATE-----",
        "https://user:password@host/", "https://user:${PASSWORD}@host/", "http://host:8080/a@b",
        "2001:://x"})
    EXPECT_TRUE(secrets_in(text).empty()) << text;
}

TEST(secrets, are_passwords_in_addresses) {
  std::string text = "postgres://app:s3cr3tw0rd@db:5432/x";
  auto found = secrets_in(text);
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(text.substr(found[0].begin, found[0].end - found[0].begin), "s3cr3tw0rd");
}

TEST(secrets, are_private_keys_without_their_end) {
  std::string text = "x\n-----BEGIN OPENSSH ";
  text += "PRIVATE KEY-----\nabcdef";
  auto found = secrets_in(text);
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].begin, 2u);
  EXPECT_EQ(found[0].end, text.size());
}

} // namespace
} // namespace troupe
