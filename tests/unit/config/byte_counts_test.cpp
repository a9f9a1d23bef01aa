#include "config/byte_counts.hpp"

#include <gtest/gtest.h>

namespace troupe {

TEST(byte_counts, have_a_whole_number_and_a_unit) {
  EXPECT_EQ(parse_byte_count("0"), 0u);
  EXPECT_EQ(parse_byte_count("4096"), 4'096u);
  EXPECT_EQ(parse_byte_count("7B"), 7u);
  EXPECT_EQ(parse_byte_count("3KiB"), 3'072u);
  EXPECT_EQ(parse_byte_count("256 MiB"), 268'435'456u);
  EXPECT_EQ(parse_byte_count("1GiB"), 1u << 30);
  EXPECT_EQ(parse_byte_count("2TiB"), std::uint64_t{2} << 40);
}

TEST(byte_counts, are_nothing_else) {
  for (auto bad : {"", "MiB", "-1", "+1", "1.5GiB", "1kB", "1MB", "1 MiB ", "1  MiB", "1mib",
                   "99999999999999999999", "99999999TiB", "0x10", "1\nMiB"})
    EXPECT_FALSE(parse_byte_count(bad)) << bad;
}

TEST(byte_counts, that_are_written_are_read_back) {
  for (std::uint64_t bytes : {0ULL, 1ULL, 1'000ULL, 1'024ULL, 268'435'456ULL, 3ULL << 40, ~0ULL})
    EXPECT_EQ(parse_byte_count(format_byte_count(bytes)), bytes) << format_byte_count(bytes);
  EXPECT_EQ(format_byte_count(268'435'456), "256MiB");
}

} // namespace troupe
