#pragma once

#include "actors/logic.hpp"
#include "config/base/random.hpp"
#include "config/base/split_mix.hpp"

namespace troupe {

/// Random numbers of one actor. For ids, not for secrets.
class fast_random : public random_source {
public:
  std::uint64_t next() override { return numbers_.next(); }

private:
  split_mix numbers_{random_bits()};
};

} // namespace troupe
