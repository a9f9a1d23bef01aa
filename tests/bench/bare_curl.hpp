#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace troupe::bench {

/// The yardstick of the HTTP client: `count` POSTs of `body` with `window` of them open, by one
/// multi handle of libcurl and nothing else. Throws unless all are answered with status 200.
void bare_curl_calls(const std::string& url, const std::string& body, std::uint64_t count,
                     std::size_t window);

} // namespace troupe::bench
