#include "config/durations.hpp"

#include <gtest/gtest.h>

namespace troupe {

using namespace std::chrono_literals;

TEST(durations, have_whole_numbers_of_each_unit) {
  EXPECT_EQ(parse_duration("200ms"), 200ms);
  EXPECT_EQ(parse_duration("5s"), 5s);
  EXPECT_EQ(parse_duration("2min"), 2min);
  EXPECT_EQ(parse_duration("2m"), 2min);
  EXPECT_EQ(parse_duration("1h"), 1h);
  EXPECT_EQ(parse_duration("1d"), 24h);
  EXPECT_EQ(parse_duration("366d"), 366 * 24h);
  EXPECT_EQ(parse_duration("0s"), 0ms);
}

TEST(durations, have_decimals_that_come_out_even) {
  EXPECT_EQ(parse_duration("1.5h"), 90min);
  EXPECT_EQ(parse_duration("0.25s"), 250ms);
  EXPECT_EQ(parse_duration("0.001s"), 1ms);
  EXPECT_EQ(parse_duration("1.000s"), 1s);
  for (auto bad : {"1.5ms", "0.0001s", "1.s", ".5s", "1.2.3s", "0.00000000000001h"})
    EXPECT_FALSE(parse_duration(bad)) << bad;
}

TEST(durations, are_combined_from_long_to_short) {
  EXPECT_EQ(parse_duration("1h30m"), 90min);
  EXPECT_EQ(parse_duration("1d2h3min4s5ms"), 26h + 3min + 4s + 5ms);
  EXPECT_EQ(parse_duration("2 min 5 s"), 125s) << "as they are shown";
  EXPECT_EQ(parse_duration("1m1.5s"), 61'500ms);
  for (auto bad :
       {"30m1h", "1h1h", "1m1min", "1.5h30m", "1h 30", "1h  30m", " 1h", "1h ", "1h,30m"})
    EXPECT_FALSE(parse_duration(bad)) << bad;
}

TEST(durations, are_nothing_else) {
  for (auto bad : {"", "5", "s", "-5s", "+5s", "5sec", "99999999999h", "0x5s", "1e3s", "5S", "inf",
                   "nan", "366d1ms", "9223372036854775807ms", "99999999999999999999s", "5\ns"})
    EXPECT_FALSE(parse_duration(bad)) << bad;
}

TEST(durations, that_are_written_are_read_back) {
  for (auto time : {0ms, 1ms, 1500ms, 5000ms, 120000ms, 3600000ms, 61000ms, 86400000ms})
    EXPECT_EQ(parse_duration(format_duration(time)), time) << format_duration(time);
}

} // namespace troupe
