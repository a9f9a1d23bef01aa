#pragma once

#include "config/config.hpp"
#include "nodes/simulate/behaviour.hpp"
#include "nodes/simulate/provider_request.hpp"

#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

namespace troupe {

class yaml_node;

/// Which calls are answered how, from a file:
///
///     rules:
///       - model: gpt-*             # conditions; all must hold
///         api: chat                # chat, embeddings, messages, count
///         contains: weather        # in the last message, if it is the user's
///         key: sk-bad              # the API key
///         stream: true
///         first: 2                 # of the calls with the same question
///         share: 0.1               # of the calls, by the seed
///         latency: 300ms           # and what they get: the keys of behaviour.hpp
///         fault: rate_limited
///
/// The first rule whose conditions hold is applied; the rules after it are not looked at.
class simulation_rules {
public:
  simulation_rules() = default;

  /// The error says file, line and column.
  static config_result<simulation_rules> load(const std::filesystem::path& file);
  static config_result<simulation_rules> parse(std::string_view text, const std::string& file);

  /// Applies to `of` what the rules say. Thread-safe.
  void apply(const provider_request& request, std::string_view key, std::uint64_t seed,
             behaviour& of) const;

private:
  struct simulation_rule {
    std::string model, contains, key;
    std::optional<provider_api> api;
    std::optional<bool> stream;
    std::uint64_t first = 0; ///< 0: all
    double share = 1;
    std::vector<std::pair<std::string, std::string>> settings; ///< they were checked
  };
  static config_result<simulation_rules> read(const config_result<yaml_node>& root);
  static config_result<simulation_rule> read_rule(const yaml_node& node);
  static bool holds(const simulation_rule& one, const provider_request& request,
                    std::string_view key);
  std::uint64_t count(const provider_request& request) const;

  std::vector<simulation_rule> rules_;
  bool counts_ = false; ///< some rule asks how often a question came

  /// How often each question came. Two generations: when the young one is full, it becomes the old
  /// one.
  struct askings {
    std::mutex mutex;
    std::unordered_map<std::uint64_t, std::uint64_t> young, old;
  };
  std::shared_ptr<askings> asked_ = std::make_shared<askings>();
};

/// Whether `*` and `?` of the pattern can stand for what the text has there.
bool fits_glob(std::string_view pattern, std::string_view text);

} // namespace troupe
