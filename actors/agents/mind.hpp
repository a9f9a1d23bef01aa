#pragma once

#include "messages/agents.pb.h"
#include "messages/envelope.hpp"
#include "messages/models.pb.h"
#include "messages/reading.pb.h"
#include "messages/values.pb.h"

#include <concepts>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

/// An agent's mind is a pure function: `decide(state&&, event) -> (state, commands)`. The runtime
/// (actors/agents/agent_logic.hpp) carries out the commands and feeds their outcomes back as
/// events. A mind can be tested without a process, and its state lets it survive a crash.
///
/// `decide` runs on a thread that all agents of the node share. It takes at most a few milliseconds
/// for any input: it moves large data and leaves the work on it to service::reading.
namespace troupe {

// -- events ---------------------------------------------------------------------------------------

/// Somebody speaks to the agent, or there is a task to do (`input` is then the task's). Exactly one
/// reply is owed. The runtime gives an agent one message at a time; the next waits until the reply.
struct message_received {
  std::string text;
  std::vector<BlobRef> documents;
  ValueMap input;
  bool is_task = false;
};

/// The outcome of `ask_model` number `request`.
struct model_answered {
  std::uint32_t request = 0;
  ModelAnswer answer;
  failure error; ///< code none: it succeeded
};

/// The outcome of `ask_embeddings` number `request`: a vector for each input, in their order.
struct texts_embedded {
  std::uint32_t request = 0;
  EmbeddingAnswer answer;
  failure error;
};

/// The outcome of `fetch_blob` number `request`.
struct blob_fetched {
  std::uint32_t request = 0;
  std::string bytes;
  failure error;
};

/// The outcome of `ask_reading` number `request`.
struct reading_answered {
  std::uint32_t request = 0;
  ReadingAnswer answer;
  failure error;
};

/// The outcome of `keep_blobs` number `request`: all of them, with this node as their holder.
struct blobs_kept {
  std::uint32_t request = 0;
  std::vector<BlobRef> blobs;
  failure error;
};

struct cancelled {};

using mind_event = std::variant<message_received, model_answered, blob_fetched, blobs_kept,
                                reading_answered, texts_embedded, cancelled>;

// -- commands -------------------------------------------------------------------------------------

struct ask_model {
  std::uint32_t request = 0; ///< chosen by the mind, given back in the answer
  ModelRequest call;
  bool stream_to_reply =
      false; ///< pieces go to the asker who is owed the reply; they never reach `decide`
  /// Pieces are held back while the answer so far begins like this: for answers such as "NO ANSWER"
  /// that the mind replaces with something else.
  std::string hold_back;
};

/// Texts as vectors, by a model that has embeddings.
struct ask_embeddings {
  std::uint32_t request = 0;
  EmbeddingRequest call;
};

struct fetch_blob {
  std::uint32_t request = 0;
  BlobRef blob;
};

/// Work on documents, or on as much text as a document has. service::reading does it
/// (messages/reading.proto), not `decide`, because others wait for the thread of `decide`.
struct ask_reading {
  std::uint32_t request = 0;
  ReadingRequest call;
};

/// Brings blobs onto this node's own disk before the state names them: an agent's memory must not
/// depend on another node.
struct keep_blobs {
  std::uint32_t request = 0;
  std::vector<BlobRef> blobs;
};

/// The one reply that is owed. For durable roles it is sent after the state it belongs to is on
/// disk.
struct reply_with {
  AgentReply reply;
};
struct reply_failed {
  failure why;
};

using command = std::variant<ask_model, ask_embeddings, fetch_blob, keep_blobs, ask_reading,
                             reply_with, reply_failed>;
using commands = std::vector<command>;

// -- the interface the runtime sees ---------------------------------------------------------------

/// A mind with its state, type-erased. Made by `make_mind<M>()`.
class mind {
public:
  virtual ~mind() = default;
  virtual commands decide(mind_event happened) = 0;
  /// It asks for nothing and keeps nothing: `answer` gives each reply at once, `decide` is not
  /// needed. The runtime then makes no record of the message, and cheap tasks are done where they
  /// become ready (actors/coordination/inline_lane.hpp).
  virtual bool answers_at_once() const { return false; }
  /// Only for those. Fills an empty `reply`, or says why there is none.
  virtual result<void> answer(message_received /*asked*/, AgentReply& /*reply*/) {
    return fail(ec::agent_failed, "this mind does not answer at once");
  }
  /// The durable part of the state; empty for minds without one.
  virtual std::string snapshot() const = 0;
  /// The SHA-256 of the blobs that the state names. They are not deleted while it names them.
  virtual std::vector<std::string> blobs_named() const = 0;
  /// False if the bytes are damaged.
  virtual bool restore(std::string_view bytes) = 0;
};

/// How a mind is written that answers at once: `result<void> answer(message_received, AgentReply&)
/// const`, and nothing else.
template <class M>
concept answers_at_once = requires(const M& rules, message_received asked, AgentReply& reply) {
  { rules.answer(std::move(asked), reply) } -> std::same_as<result<void>>;
};

/// The mind of such an `M`.
template <answers_at_once M>
class mind_that_answers final : public mind {
public:
  template <class... Args>
  explicit mind_that_answers(Args&&... args) : rules_(std::forward<Args>(args)...) {}

  bool answers_at_once() const override { return true; }
  result<void> answer(message_received asked, AgentReply& reply) override {
    return rules_.answer(std::move(asked), reply);
  }
  commands decide(mind_event happened) override {
    commands todo;
    if (auto asked = std::get_if<message_received>(&happened)) {
      reply_with back;
      if (auto done = rules_.answer(std::move(*asked), back.reply); done)
        todo.emplace_back(std::move(back));
      else
        todo.emplace_back(reply_failed{std::move(done).error()});
    }
    return todo;
  }
  std::string snapshot() const override { return {}; }
  std::vector<std::string> blobs_named() const override { return {}; }
  bool restore(std::string_view bytes) override { return bytes.empty(); }

private:
  M rules_;
};

/// Any other `M` has: `using state = ...` (default-constructible), `std::pair<state, commands>
/// decide(state&&, mind_event) const`, `static std::string save(const state&)`, `static bool
/// load(state&, std::string_view)`; and, if its state names blobs, `static std::vector<std::string>
/// blobs_named(const state&)`.
template <class M>
class mind_of final : public mind {
public:
  template <class... Args>
  explicit mind_of(Args&&... args) : rules_(std::forward<Args>(args)...) {}

  commands decide(mind_event happened) override {
    auto [next, todo] = rules_.decide(std::move(state_), std::move(happened));
    state_ = std::move(next);
    return std::move(todo);
  }
  std::string snapshot() const override { return M::save(state_); }
  std::vector<std::string> blobs_named() const override {
    if constexpr (requires { M::blobs_named(state_); })
      return M::blobs_named(state_);
    else
      return {};
  }
  bool restore(std::string_view bytes) override { return M::load(state_, bytes); }

private:
  M rules_;
  typename M::state state_{};
};

template <class M, class... Args>
std::unique_ptr<mind> make_mind(Args&&... args) {
  if constexpr (answers_at_once<M>)
    return std::make_unique<mind_that_answers<M>>(std::forward<Args>(args)...);
  else
    return std::make_unique<mind_of<M>>(std::forward<Args>(args)...);
}

} // namespace troupe
