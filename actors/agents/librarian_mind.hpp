#pragma once

#include "actors/agents/mind.hpp"
#include "actors/agents/script.hpp"
#include "actors/reading/excerpts.hpp"
#include "messages/agents.pb.h"

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace troupe {

/// Keeps what it is told and answers questions from that, with quotations and their sources.
///
///     Remember the folder PATH, Remember the file PATH    the documents that came with it are
///                                                         kept, as references to blobs
///     Remember: TEXT                                      the text is kept
///     anything else                                       is a question
///
/// All documents are on this node's own disk before it says that it remembers them, or none is
/// kept. What it is told twice is kept once. Its durable state is a LibrarianState; nothing else
/// outlives a message.
class librarian_mind {
public:
  struct state {
    LibrarianState told;
    std::string question;
    excerpts shown;     ///< to the model
    std::string unread; ///< what could not be read
    std::string known;  ///< in words: the documents in the message that it already knew
  };

  explicit librarian_mind(std::shared_ptr<const script> says) : script_(std::move(says)) {}

  std::pair<state, commands> decide(state&& now, mind_event happened) const;
  static std::string save(const state& now);
  static bool load(state& now, std::string_view bytes);
  static std::vector<std::string> blobs_named(const state& now);

private:
  commands received(state& now, message_received message) const;
  commands asked(state& now, message_received message) const;
  static commands documents_came(state& now, std::vector<BlobRef> documents);
  static commands kept(state& now, blobs_kept stored);
  commands gathered(state& now, reading_answered reading) const;
  commands answered(state& now, model_answered model) const;

  std::shared_ptr<const script> script_;
};

} // namespace troupe
