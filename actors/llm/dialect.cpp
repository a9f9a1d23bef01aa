#include "actors/llm/dialect.hpp"

#include "actors/llm/anthropic/anthropic_dialect.hpp"
#include "actors/llm/openai/openai_dialect.hpp"

namespace troupe {

std::unique_ptr<dialect> make_dialect(provider_config::api kind) {
  switch (kind) {
    case provider_config::api::openai:
    case provider_config::api::simulated: // it speaks this one
    case provider_config::api::offline:   // is asked nothing: its models are the built-in one
      return std::make_unique<openai_dialect>();
    case provider_config::api::anthropic:
      return std::make_unique<anthropic_dialect>();
  }
  return nullptr;
}

} // namespace troupe
