#include "messages/value_bytes.hpp"

#include "config/limits/messages.hpp"
#include "messages/value_check.hpp"

#include <gtest/gtest.h>

#include <random>

namespace troupe::tests {
namespace {

Value text(std::string words) {
  Value made;
  made.set_text(std::move(words));
  return made;
}

Value nested(int levels, bool lists) {
  Value made;
  auto at = &made;
  for (int level = 0; level < levels; ++level)
    at = lists ? at->mutable_list()->add_items() : &(*at->mutable_map()->mutable_fields())["a"];
  at->set_text("core");
  return made;
}

TEST(value_bytes, tells_how_many_lists_and_maps_stand_within_each_other) {
  EXPECT_EQ(value_depth(""), 0);
  EXPECT_EQ(value_depth(text("x").SerializeAsString()), 0);
  for (bool lists : {true, false}) {
    EXPECT_EQ(value_depth(nested(3, lists).SerializeAsString()), 3);
    auto deepest = nested(limits::value_depth_max, lists).SerializeAsString();
    EXPECT_EQ(value_depth(deepest), limits::value_depth_max);
    auto deeper = nested(limits::value_depth_max + 1, lists).SerializeAsString();
    EXPECT_FALSE(value_depth(deeper));
  }
  Value empty;
  empty.mutable_list();
  EXPECT_EQ(value_depth(empty.SerializeAsString()), 1);
}

TEST(value_bytes, refuses_what_no_parser_would_read) {
  std::string good;
  append_field(good, Value::kText, "text");
  EXPECT_EQ(value_depth(good), 0);
  EXPECT_FALSE(value_depth(good.substr(0, good.size() - 1))) << "cut off";
  EXPECT_FALSE(value_depth("\x0f")) << "no type of a field";
  std::string bad;
  append_field(bad, Value::kText, "\xff");
  EXPECT_FALSE(value_depth(bad)) << "not UTF-8";
  std::string list;
  append_field(list, Value::kList, std::string("\x0a\x7f", 2));
  EXPECT_FALSE(value_depth(list)) << "an element beyond the end";
  std::string blob;
  append_field(blob, Value::kBlob, "\x0f");
  EXPECT_FALSE(value_depth(blob));
}

/// Any bytes are read as protobuf reads them, or not at all.
TEST(value_bytes, accepts_no_bytes_that_protobuf_refuses) {
  Value drawn;
  auto& fields = *drawn.mutable_map()->mutable_fields();
  fields["list"].mutable_list()->add_items()->set_integer(-3);
  fields["list"].mutable_list()->add_items()->set_number(0.5);
  fields["flag"].set_flag(true);
  fields["blob"].mutable_blob()->set_name("GPL-3");
  auto bytes = drawn.SerializeAsString();
  std::mt19937 random{7};
  int accepted = 0;
  for (int i = 0; i < 20'000; ++i) {
    auto damaged = bytes;
    damaged[random() % damaged.size()] = static_cast<char>(random());
    if (!value_depth(damaged))
      continue;
    ++accepted;
    Value parsed;
    EXPECT_TRUE(parsed.ParseFromString(damaged));
  }
  EXPECT_GT(accepted, 100);
}

TEST(value_bytes, what_is_put_together_is_read_by_protobuf) {
  std::string bytes;
  auto list = begin_field(bytes, Value::kList);
  EXPECT_EQ(list, begun_field_bytes);
  for (auto words : {"one", ""}) {
    auto item = begin_field(bytes, 1);
    append_field(bytes, Value::kText, words);
    end_field(bytes, item);
  }
  auto large = begin_field(bytes, 1);
  bytes += text(std::string(300'000, 'x')).SerializeAsString();
  end_field(bytes, large);
  end_field(bytes, list);
  Value parsed;
  ASSERT_TRUE(parsed.ParseFromString(bytes));
  ASSERT_EQ(parsed.list().items_size(), 3);
  EXPECT_EQ(parsed.list().items(0).text(), "one");
  EXPECT_EQ(parsed.list().items(1).kind_case(), Value::kText);
  EXPECT_EQ(parsed.list().items(2).text().size(), 300'000u);
}

TEST(value_bytes, finds_the_value_of_a_key_and_what_it_is) {
  Value map;
  (*map.mutable_map()->mutable_fields())["a"].set_integer(7);
  (*map.mutable_map()->mutable_fields())["b"] = text("words");
  auto bytes = map.SerializeAsString();
  auto seen = view_value(bytes);
  ASSERT_EQ(seen.kind, Value::kMap);
  auto found = find_entry(seen.field.bytes, "b");
  ASSERT_TRUE(found);
  EXPECT_EQ(view_value(*found).field.bytes, "words");
  EXPECT_EQ(view_value(*find_entry(seen.field.bytes, "a")).field.integer, 7u);
  EXPECT_FALSE(find_entry(seen.field.bytes, "c"));
  EXPECT_EQ(view_value("").kind, Value::KIND_NOT_SET);
}

} // namespace
} // namespace troupe::tests
