#pragma once

#include "nodes/simulate/stream_step.hpp"

#include <string>
#include <string_view>

/// How OpenAI's API writes answers: platform.openai.com/docs/api-reference, as of 2026.
namespace troupe::openai_form {

/// The body of a chat completion.
std::string whole(const provider_request& request, const simulated_answer& answer,
                  const answer_label& label);

/// Appends the event of the step; nothing if this dialect has none for it.
void append_event(std::string& out, const stream_step& step, const provider_request& request,
                  const simulated_answer& answer, const answer_label& label);

/// Faults of a stream: the JSON of an event stops, or an empty line ends the event within it.
inline constexpr std::string_view half_an_event = "data: {\"choices\":[{\"delta\":{\n\n";
inline constexpr std::string_view torn_event = "data: {\"choi\n\nces\":[]}\n\n";

std::string embeddings(const provider_request& request, std::uint64_t seed);

std::string error(const request_error& what);

/// `models` in the order given; `id` alone for one.
std::string model_list(const std::vector<std::string>& models);
std::string model(std::string_view id);

} // namespace troupe::openai_form
