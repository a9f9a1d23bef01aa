#pragma once

#include "config/otlp_target.hpp"
#include "messages/errors.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace troupe {

/// What came back from one POST.
struct post_answer {
  bool connected = false; ///< false: `problem` says why no answer came
  bool too_large = false; ///< the answer exceeded `otlp_answer_bytes_max` and was cut off
  unsigned status = 0;
  std::string retry_after;
  std::string content_type;
  std::string location; ///< the target of a redirect, which is not followed
  std::string body;
  std::string problem;
};

/// Sends bodies to one collector over a connection that is kept open. `send` belongs to one thread;
/// any thread may call `wake`.
class otlp_post {
public:
  using clock = std::chrono::steady_clock;

  static result<std::unique_ptr<otlp_post>> to(const otlp_target& target);
  ~otlp_post();

  /// Waits for the answer, at most until `deadline()`, which is called again after each `wake`.
  post_answer send(std::string_view body, const std::function<clock::time_point()>& deadline);
  void wake();

  /// For messages: without user and password.
  const std::string& url() const noexcept;
  /// The key or the variable that named the collector.
  const std::string& from() const noexcept;

private:
  struct impl;
  explicit otlp_post(std::unique_ptr<impl> body);
  std::unique_ptr<impl> impl_;
};

} // namespace troupe
