#pragma once

#include "nodes/simulate/stream_step.hpp"

#include <string>
#include <string_view>

/// How Anthropic's API writes answers: docs.anthropic.com/en/api, version 2023-06-01.
namespace troupe::anthropic_form {

/// The body of a message.
std::string whole(const provider_request& request, const simulated_answer& answer,
                  const answer_label& label);

/// Appends the events of the step; nothing if this dialect has none for it.
void append_event(std::string& out, const stream_step& step, const provider_request& request,
                  const simulated_answer& answer, const answer_label& label);

/// Faults of a stream: the JSON of an event stops, or an empty line ends the event within it.
inline constexpr std::string_view half_an_event =
    "event: content_block_delta\n"
    "data: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\n\n";
inline constexpr std::string_view torn_event = "event: content_block_delta\n"
                                               "data: {\"type\":\"content_bl\n\nock_delta\"}\n\n";

std::string count(const provider_request& request);

std::string error(const request_error& what, const answer_label& label);

std::string model_list(const std::vector<std::string>& models);
std::string model(std::string_view id);

} // namespace troupe::anthropic_form
