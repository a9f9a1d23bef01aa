#pragma once

#include "actors/logic.hpp"
#include "messages/models.pb.h"

#include <cstdint>
#include <string>

namespace troupe {

/// How the calls of one provider have ended: what people ask first when agents fail. A call that
/// its caller gave up says nothing about the provider and is not counted.
class provider_health {
public:
  void answered(instant at);
  void failed(instant at, const failure& why);

  /// Writes what is known into `to`.
  void tell(ProviderHealth& to) const;

private:
  void ended(instant at, ec how); ///< it is counted already

  std::uint64_t answered_ = 0;
  std::uint64_t failed_ = 0;
  ec last_ = ec::none; ///< none: answered
  std::string words_;  ///< of the last failure
  instant since_{};    ///< the first of those that ended like the last
  instant last_at_{};
};

} // namespace troupe
