#pragma once

#include "actors/llm/key_hider.hpp"
#include "config/providers.hpp"
#include "messages/agents.pb.h"
#include "messages/errors.hpp"
#include "messages/models.pb.h"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace troupe {

/// Who is asked.
struct model_target {
  std::string_view model{};         ///< as the provider calls it
  std::string_view provider{};      ///< its name in the configuration, for messages
  std::string_view base_url{};      ///< some servers want a field by another name
  const key_hider* hider = nullptr; ///< asked about what the provider said; null: it has no key
};

/// A request as a provider's API wants it, without the key and without the base URL.
struct http_request {
  std::string method = "POST";
  std::string path;                 ///< behind the base URL: "/chat/completions"
  std::vector<std::string> headers; ///< "name: value"
  std::string body;
};

struct http_response_head {
  unsigned status = 0;
  std::string_view content_type;
  std::string_view retry_after;
};

/// Reads one answer as it comes: a stream of events, or JSON in one piece, or an error of the API
/// or of something in between. Bounded memory (`model_answer_bytes_max`); no half answer is taken
/// for whole.
///
/// Failures are for people and say what to do. Their codes, as far as a caller acts on them:
/// `refused` (the key, or no credit left), `unknown_model`, `invalid_argument` and `too_large` (the
/// request, or an answer that is too long), `overloaded` (asked too often: wait), `provider_failed`
/// (all else).
class body_reader {
public:
  virtual ~body_reader() = default;

  /// Before the first `feed`.
  virtual void head(const http_response_head& of) = 0;
  /// `bytes` have come. Adds what can be passed on, if the request asked for a stream: pieces
  /// without numbers. A failure is final: the bytes are not what they should be, or too many.
  virtual result<void> feed(std::string_view bytes, std::vector<Piece>& pieces) = 0;
  /// All has come that the answer needs: no byte behind it would change it.
  virtual bool is_whole() const = 0;
  /// The transfer ended because of `why`, before the answer was whole. Says after which piece. What
  /// the provider said about an error comes first, even if it was cut.
  virtual failure broken_off(const failure& why) const = 0;
};

/// Reads the answer to a ModelRequest.
class answer_reader : public body_reader {
public:
  /// The transfer ended in order. The answer, or why it is none. An answer that came in one piece,
  /// though a stream was asked for, becomes a piece now. Tokens stay 0 where the provider does not
  /// count them.
  virtual result<ModelAnswer> finish(std::vector<Piece>& pieces) = 0;
};

/// The API of a kind of provider. Pure: no socket, no clock. A request that it cannot express is an
/// error that says so; nothing is dropped in silence.
///
/// `passed_on` fields are copied as they are. One that Troupe writes itself is an error: the same
/// thing would be said twice.
class dialect {
public:
  virtual ~dialect() = default;

  virtual result<http_request> ask(const ModelRequest& what, const model_target& of) const = 0;
  virtual std::unique_ptr<answer_reader> reader(const ModelRequest& what,
                                                const model_target& of) const = 0;

  virtual result<http_request> embed(const EmbeddingRequest& what,
                                     const model_target& of) const = 0;
  /// The whole answer to `embed`. The caller bounds `body`.
  virtual result<EmbeddingAnswer> read_embeddings(const EmbeddingRequest& what,
                                                  const model_target& of,
                                                  const http_response_head& head,
                                                  std::string_view body) const = 0;

  /// The header that carries the key: "authorization: Bearer KEY", "x-api-key: KEY".
  virtual std::string key_header(std::string_view key) const = 0;
};

std::unique_ptr<dialect> make_dialect(provider_config::api kind);

} // namespace troupe
