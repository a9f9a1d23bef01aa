#pragma once

#include "actors/agents/span_terms.hpp"
#include "actors/logic.hpp"
#include "messages/agents.pb.h"
#include "messages/models.pb.h"
#include "messages/reading.pb.h"
#include "messages/runs.pb.h"

#include <string_view>

/// The spans of what an agent waits for: models, blobs, reading, its own state, and that a step is
/// recorded. Each begins when the agent asks and ends when it takes the answer.
///
/// The agent makes all of them, not the service that answers: so they include the wait in the
/// service's mailbox, and none of them can outlive the agent's span, whatever becomes of the
/// request. What only the service knows comes with its answer, or in a piece before it. Pure.
namespace troupe {

/// Who asks, and in what: an agent and one message, whose trace is sampled.
struct asker {
  trace_context inside; ///< of the span `invoke_agent`
  std::string_view role;
  const span_terms* terms = nullptr; ///< null: the defaults
};

SpanData begin_wait(step_context& context, const asker& who, const ModelRequest& call);
SpanData begin_wait(step_context& context, const asker& who, const EmbeddingRequest& call);
SpanData begin_wait(step_context& context, const asker& who, const BlobGet& get);
SpanData begin_wait(step_context& context, const asker& who, const BlobsKeep& keep);
SpanData begin_wait(step_context& context, const asker& who, const ReadingRequest& call);
SpanData begin_wait(step_context& context, const asker& who, const SnapshotGet& get);
SpanData begin_wait(step_context& context, const asker& who, const SnapshotPut& put);
SpanData begin_wait(step_context& context, const asker& who, const StepsMade& made);

/// The agent's span names the model and the provider of its last call, whatever comes of it.
void note_asked(SpanData& agent, const SpanData& chat);

/// What the answer, or a piece, says about the wait.
void note(SpanData& chat, const ModelAnswer& answer);
void note(SpanData& embeddings, const EmbeddingAnswer& answer);
void note_first_piece(SpanData& chat, instant at);
void note(SpanData& get_blob, const BlobData& data);
void note(SpanData& get_blob, const BlobFound& found, instant at);
void note(SpanData& load_state, const Snapshot& found);
/// Also makes a span `get blob` below `reading` for each document that it waited for.
void note(step_context& context, SpanData& reading, const ReadingTimes& times);

} // namespace troupe
