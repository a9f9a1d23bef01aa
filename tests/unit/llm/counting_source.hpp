#pragma once

#include "actors/logic.hpp"

#include <cstdint>

namespace troupe {

/// Even numbers from 2: the same in every run.
class counting_source : public random_source {
public:
  std::uint64_t next() override { return ++count_ * 2; }

private:
  std::uint64_t count_ = 0;
};

} // namespace troupe
