#include "actors/storage/free_space.hpp"

#include "config/limits/units.hpp"

#include <string>

namespace troupe {

namespace {

std::string mib_text(std::uint64_t bytes) { return std::to_string(bytes / limits::mib) + " MiB"; }

} // namespace

result<void> check_space_for_new(const result<std::uint64_t>& free, std::uint64_t least,
                                 std::string_view refused) {
  if (!free)
    return unexpected{free.error()};
  if (*free >= least)
    return {};
  return fail(ec::storage_failed, "no new " + std::string{refused}
                                      + " is taken: the disk of this node's data folder has "
                                      + mib_text(*free) + " free, storage.free_min is "
                                      + mib_text(least) + ". Runs that were accepted go on");
}

} // namespace troupe
