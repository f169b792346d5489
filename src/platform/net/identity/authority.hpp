#pragma once
// Authority: who says which nodes are of a fleet. A small certificate authority of P-256 and
// SHA-256 (RFC 5280), whose key stays in one folder.
//
//   VERGE_TRY(Authority authority, Authority::create("fleet", "home", now_unix_s));
//   VERGE_TRY(std::string certificate, authority.sign(request, {.node = "edge-1", ...}));

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <verge/platform/net/identity/credentials.hpp>

namespace verge::net {

/// A certificate says that it is valid from so long before its time, for machines whose clocks are
/// slow.
inline constexpr int64_t kClockSkew_s = 3600;

/// What a certificate will say.
struct Grant {
  std::string node = {};
  /// DNS names and IP addresses, beside localhost, 127.0.0.1 and ::1.
  std::vector<std::string> hosts = {};
  int64_t from_unix_s = 0;
  int64_t until_unix_s = 0;
};

/// A certificate that is not to be believed any more, by its serial number (hexadecimal).
struct Revocation {
  std::string serial;
  int64_t at_unix_s = 0;
};

/// InvalidArgument for bad names and for what would never be valid.
Status check_grant(const Grant& grant);

/// Malformed for what is no request (PEM) or is not signed by its own key, Unsupported for a key
/// weaker than P-256.
Status check_request(std::string_view request);

/// Movable. Threads may use one together.
class Authority {
 public:
  /// A new folder with authority.key (0600) and authority.crt, valid for ten years. `fleet` is a
  /// name as of a node. Conflict where the folder exists.
  static Result<Authority> create(const std::string& folder, const std::string& fleet,
                                  int64_t now_unix_s);
  /// Malformed for a key that is not the certificate's; NotFound without the files.
  static Result<Authority> load(const std::string& folder);

  ~Authority();
  Authority(Authority&&) noexcept;
  Authority& operator=(Authority&&) noexcept;

  /// A certificate for both ends of a connection, for the key of the request (PEM), whose names do
  /// not count: only the grant does. Fails as check_grant() and check_request() do.
  Result<std::string> sign(std::string_view request, const Grant& grant) const;
  /// The list of those serials, its number as given, which must grow with every list (PEM).
  std::string sign_revocations(const std::vector<Revocation>& revoked, int64_t number,
                               int64_t now_unix_s) const;
  /// Credentials of a node on this machine.
  Result<Credentials> issue(const Grant& grant) const;

  const std::string& certificate() const;  // PEM
  const std::string& fleet() const;
  const std::string& fingerprint() const;

 private:
  struct State;
  explicit Authority(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace verge::net
