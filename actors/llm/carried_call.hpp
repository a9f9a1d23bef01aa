#pragma once

#include "actors/llm/dialect.hpp"
#include "actors/llm/http_port.hpp"
#include "actors/llm/pacing/provider_pace.hpp"
#include "actors/llm/provider_health.hpp"
#include "actors/llm/provider_queue.hpp"
#include "actors/llm/unit_cutter.hpp"
#include "actors/llm/vectors_reader.hpp"
#include "actors/logic.hpp"
#include "config/prices.hpp"
#include "messages/agents.pb.h"
#include "messages/http.pb.h"
#include "messages/piece_window.hpp"
#include "telemetry/metrics.hpp"

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace troupe {

/// A provider that is not built in, as service::models has it.
struct asked_provider {
  const provider_config* as;
  std::unique_ptr<dialect> speaks;
  provider_queue queue;
  provider_health health = {};
  provider_pace pace = {};
  std::uint32_t number = 0; ///< among all
};

/// One call on its way to a provider and back: a ModelRequest or an EmbeddingRequest. It knows how
/// to write its request, how to read what comes, and how to tell its asker of it; when that happens
/// is decided by models_logic.
///
/// Pieces go out as far as their asker takes them (piece_window.hpp). Of the event that goes beyond
/// that, the rest is kept here, and the next one does not come: the port stops the transfer. When
/// the answer is whole, nothing is kept any more, for the answer has it all.
class carried_call {
public:
  enum class phase : std::uint8_t {
    waiting, ///< for a place at its provider
    asked,   ///< the request is on its way, or the answer comes
  };

  /// `model` as the provider calls it.
  carried_call(envelope request, asked_provider& of, std::string model, const key_hider& hider,
               instant now);

  phase now() const noexcept { return now_; }
  asked_provider& provider() const noexcept { return *of_; }
  const envelope& request() const noexcept { return request_; }
  const std::string& model() const noexcept { return model_; }
  provider_queue::caller caller() const noexcept { return {request_.tenant.text(), group_}; }
  metrics::model_call label() const noexcept;
  instant arrived() const noexcept { return arrived_; }
  instant deadline() const noexcept { return deadline_; } ///< `instant::max()`: none
  bool was_sent() const noexcept { return now_ == phase::asked && reader() != nullptr; }
  unsigned status() const noexcept { return status_; } ///< of HTTP; 0: no head has come
  const std::string& retry_after() const noexcept { return retry_after_; }

  /// That it may take of its provider's limit: a quarter of the bytes that it holds, and of its
  /// answer what it may have at most. Settled when it ends.
  std::uint64_t expected_tokens() const noexcept { return expected_tokens_; }
  /// When it went, until its provider is known to have counted it.
  std::optional<instant> paced_at() const noexcept { return paced_at_; }
  void was_paced(std::optional<instant> at) noexcept { paced_at_ = at; }
  /// It is its turn, and its provider's limits do not let it go. True: for the first time.
  bool hold_back() noexcept { return !std::exchange(is_held_back_, true); }

  /// Whether `other` asks for this call.
  bool is_of(const envelope& other) const {
    return request_.id == other.id && request_.sender == other.sender;
  }
  /// It was asked for again, for the same answer.
  void repeated(std::uint16_t attempt);

  /// It has a place. The request to send, or why this provider cannot be asked that.
  result<http_port::outgoing> begin(step_context& context, std::uint64_t number);
  /// Something has come, which is passed on. The answer's failure, if it is one or cannot be read.
  std::optional<failure> read(step_context& context, const HttpEvent& happened, metrics& counted);
  /// The transfer ended as `happened` says: the reply to its asker, or why there is none.
  result<envelope> finish(step_context& context, const HttpEvent& happened, metrics& counted,
                          const std::vector<model_price>& prices);

  /// Its asker has taken so much of the pieces, in all: those that were kept go out.
  void taken(step_context& context, const piece_count& told);
  /// Its asker takes more pieces now, and none is kept here.
  bool takes_more() const noexcept { return kept_.empty() && window_.is_open(); }
  /// What has come last is done with, so the next may come: now, or once the asker takes more.
  bool has_done() noexcept;
  /// It has not, so far.
  bool is_held_up() const noexcept { return is_held_up_; }

  void end_span(step_context& context, const failure& why);

private:
  bool embeds() const noexcept { return asked_chat_ == nullptr; }
  bool is_asked_by_client() const noexcept {
    return request_.sender.what == address::kind::session;
  }
  void tell_span(step_context& context, SpanData span) const;
  body_reader* reader() const noexcept;
  model_target target() const;
  const ModelRequest& chat() const { return *asked_chat_; }
  void send_pieces(step_context& context, std::vector<Piece> pieces, metrics& counted);
  void send_units(step_context& context, const Piece& piece, metrics& counted);
  void send_rest(step_context& context, metrics& counted);
  void send(step_context& context, Piece piece, metrics& counted);
  void send_on(step_context& context, Piece piece);
  nano_usd cost_of(const std::string& answered_by, const tokens_used& used,
                   const std::vector<model_price>& prices) const;
  template <class Answer>
  envelope settle(step_context& context, Answer answer, const tokens_used& used, metrics& counted,
                  const std::vector<model_price>& prices) const;

  phase now_ = phase::waiting;
  envelope request_;
  asked_provider* of_;
  std::string model_;
  const key_hider* hider_;
  std::string group_;                        ///< of callers
  const ModelRequest* asked_chat_ = nullptr; ///< in the request, unless it embeds
  instant arrived_;
  instant deadline_;
  std::uint64_t expected_tokens_ = 0;
  std::optional<instant> paced_at_;
  bool is_held_back_ = false;
  std::unique_ptr<answer_reader> answer_;      ///< once it is asked, unless it embeds
  std::unique_ptr<vectors_reader> vectors_;    ///< once it is asked, if it embeds
  std::map<std::uint32_t, unit_cutter> units_; ///< by choice, if whole units are wanted
  bool has_head_ = false;
  unsigned status_ = 0;
  std::string retry_after_;
  std::uint32_t pieces_ = 0; ///< sent
  piece_window window_;      ///< of those
  std::deque<Piece> kept_;   ///< behind them, of what has come last
  bool is_held_up_ = false;  ///< what has come last is worked on, and not done with
  std::int64_t began_ns_ = 0;
  instant last_piece_{};         ///< or the beginning of the call
  std::optional<SpanData> span_; ///< of the HTTP call, if the trace is sampled
};

} // namespace troupe
