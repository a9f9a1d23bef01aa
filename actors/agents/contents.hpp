#pragma once

#include "messages/models.pb.h"
#include "messages/spans.pb.h"

namespace troupe {

/// Writes what was asked and answered into the span of a call, as the GenAI conventions want it:
/// gen_ai.input.messages and gen_ai.output.messages, JSON. Each is cut at `span_text_bytes_max`.
/// Only where the operator has said so (telemetry.contents): prompts hold documents.
void set_input(SpanData& chat, const ModelRequest& asked);
void set_output(SpanData& chat, const ModelAnswer& answer);

} // namespace troupe
