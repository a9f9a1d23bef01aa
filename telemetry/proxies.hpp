#pragma once

#include <string>
#include <string_view>

namespace troupe {

/// Which proxy a request goes through, by the usual variables: `http_proxy` (in small letters only:
/// a CGI script gets HTTP_PROXY from its caller), `https_proxy`, `all_proxy`, `no_proxy`. What
/// stays on this machine goes through none.
struct proxies {
  std::string http;     ///< for http://; empty: none
  std::string https;    ///< for https://; empty: none
  std::string none_for; ///< hosts, domains, addresses and networks (10.0.0.0/8), or `*`

  static proxies of_environment();

  /// Empty: none. `host` without brackets.
  std::string choose(bool tls, std::string_view host) const;
};

} // namespace troupe
