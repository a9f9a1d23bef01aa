#pragma once

/// What a model provider is.
///
/// A logic at the address `service::models` (directly, or behind a router that chooses between
/// several). It takes one kind of request:
///
///     ModelRequest -> Piece*, ModelAnswer      or      ModelRequest -> Piece*, Failure
///
/// - It takes chat messages and answers with text. About documents it knows only the prompt
///   convention (actors/llm/offline/model_prompt.hpp). Roles and prompts are the same for every
///   provider.
/// - With `stream`, pieces come before the answer: `index` from 0 without gaps, `attempt` as in the
///   request's envelope. Joined, they are the text of the answer, byte for byte. `restarted` says
///   that earlier pieces no longer count; it is not sent after the last piece of the answer that
///   counts.
/// - ModelAnswer has the whole text, `finish_reason` ("stop", or "length" when `max_output_tokens`
///   cut it), the provider and model that answered, and the tokens as the provider counts them: by
///   its own tokenizer, or by `count_tokens` where it has none; an id; and when the work began.
/// - `model` empty means the provider's default.
/// - Failures: `unknown_model` names the available models. `overloaded` when its bounded table of
///   calls is full. `timed_out` when the caller's time is over: the call is given up, since nobody
///   waits for it. `invalid_argument` when the messages include no user message. `provider_failed`
///   for errors of a service behind it.
/// - The asker records the span `chat {model}` (actors/agents/wait_span.hpp), so that it includes
///   the wait in the provider's mailbox and does not outlive who asked. A provider that asks others
///   records its own calls below it. It counts each call with `metrics::model_called`.
/// - It may be asked the same thing again (attempt above 1): a call has no effect except its cost.
