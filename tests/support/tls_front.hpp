#pragma once

#include "tests/support/process.hpp"

#include <optional>
#include <string>
#include <vector>

namespace troupe::tests {

/// Debian's nginx with TLS and HTTP/2 before a server on this machine, with an authority of its
/// own. It ends with the object.
class tls_front {
public:
  /// `behind`: the server's `http://HOST:PORT`. Throws std::runtime_error if nginx does not start.
  explicit tls_front(const std::string& behind);
  ~tls_front();
  tls_front(const tls_front&) = delete;
  tls_front& operator=(const tls_front&) = delete;

  /// `https://127.0.0.1:PORT`
  const std::string& url() const noexcept { return url_; }
  /// The authority's certificate.
  std::filesystem::path ca_file() const { return folder_.path() / "ca.pem"; }
  /// One line for each request that has ended: `HTTP/2.0 TLSv1.3 connection=7 200 Bearer KEY`.
  std::vector<std::string> accesses() const;
  /// Lets requests end first; then all their lines are there.
  void stop();

private:
  void make_certificates() const;
  void configure(const std::string& behind, int port) const;

  temporary_folder folder_;
  std::string url_;
  std::optional<process> nginx_;
};

} // namespace troupe::tests
