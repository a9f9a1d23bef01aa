#pragma once

#include <string>
#include <vector>

namespace troupe {

/// Made-up secrets of each form. They are put together here, so that no scanner of source code
/// takes them for real ones.
inline std::vector<std::string> sample_secrets() {
  auto drawn = [](std::size_t length) {
    std::string text;
    for (std::size_t i = 0; i < length; ++i)
      text += "aB3dE6gH9jK2mN5pQ8rS1tU4vW7xY0z"[(i * 7 + i / 31) % 31];
    return text;
  };
  auto upper = [](std::size_t length) {
    std::string text;
    for (std::size_t i = 0; i < length; ++i)
      text += "A2BC3DE4FG5HJ6KL7MNPQRSTUVWXYZ"[(i * 7 + i / 30) % 30];
    return text;
  };
  const std::string sk = "sk";
  return {sk + "-ant-" + drawn(95),
          sk + "-proj-" + drawn(120),
          sk + "-" + drawn(48),
          sk + "_live_" + drawn(24),
          std::string{"gsk_"} + drawn(52),
          std::string{"hf_"} + drawn(34),
          std::string{"AIza"} + drawn(35),
          std::string{"AKIA"} + upper(16),
          std::string{"gh"} + "p_zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ0mLq17", // of GitHub's own article
          std::string{"github_pat_"} + drawn(82),
          std::string{"glpat-"} + drawn(20),
          std::string{"pypi-AgEIcHlwaS5vcmc"} + drawn(60),
          std::string{"xox"} + "b-" + drawn(40),
          std::string{"SG."} + drawn(22) + "." + drawn(43),
          std::string{"eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0."}
              + drawn(43),
          std::string{"-----BEGIN RSA "} + "PRIVATE KEY-----\n" + drawn(64) + "\n" + drawn(64)
              + "\n-----END RSA PRIVATE KEY-----"};
}

} // namespace troupe
