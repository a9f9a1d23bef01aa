#include "config/version.hpp"

namespace troupe {

std::string_view program_version() { return TROUPE_VERSION; }

} // namespace troupe
