#pragma once

#include "nodes/http/server_call.hpp"
#include "nodes/simulate/call_ledger.hpp"
#include "nodes/simulate/price_list.hpp"
#include "nodes/simulate/prompt_cache.hpp"
#include "nodes/simulate/simulated_limits.hpp"
#include "nodes/simulate/stream_step.hpp"
#include "telemetry/log.hpp"

#include <memory>
#include <string>

namespace troupe {

/// What all calls of a provider share. It outlives them.
struct simulation {
  std::uint64_t seed = 0;
  price_list prices;
  call_ledger* kept = nullptr; ///< where they are billed, if anywhere
  prompt_cache& cache;
  log_sink& log;
};

/// One call on its way: waits as long as the behaviour says, delivers the answer or its fault, and
/// writes into the ledger what it costs. It lives as long as its server_call is open, and runs in
/// the thread of that.
class simulated_call : public std::enable_shared_from_this<simulated_call> {
public:
  struct parts {
    provider_request request;
    behaviour how;
    answer_label label;
    std::string key_hash;
    std::uint64_t owner = 0;  ///< of the API key: caches are apart
    std::uint64_t number = 0; ///< of the call, for what is drawn by lot
    simulated_limits::headers limits_told = {};
  };
  simulated_call(const simulation& shared, parts given, server_call call);

  void start();

private:
  using event = stream_step::event;

  /// Refusals of the provider, such as 429. Whether there was one.
  bool refuse();
  void deliver();
  void deliver_whole();
  void deliver_huge();
  void begin_stream();
  void pump();
  void append_event(std::string& out, const stream_step& step) const;
  bool pump_step(std::string& out);
  bool stream_fault(std::string& out);
  void drip();
  void fill();
  void finish_stream(std::string_view last);
  void cut(std::string_view before, server_call::cut how);
  void gone();

  std::string body() const;
  std::string error_body(const request_error& what) const;
  http_answer head(std::string_view type) const;
  double draw();
  std::chrono::nanoseconds wait();
  /// False: it could not be written.
  bool bill(std::string_view outcome, std::uint64_t output_tokens);

  const simulation& shared_;
  parts given_;
  server_call call_;
  simulated_answer answer_;
  std::vector<stream_step> steps_;
  std::size_t at_ = 0;         ///< the next step
  std::uint64_t pieces_ = 0;   ///< written
  std::uint64_t produced_ = 0; ///< output tokens written
  bool faulted_ = false;       ///< what goes wrong within the answer did
  bool billed_ = false;
  std::string text_; ///< that drips, or stands around what fills a huge answer
  std::size_t text_at_ = 0;
  std::uint64_t filled_ = 0;
  std::uint64_t drawn_ = 0;
};

} // namespace troupe
