#pragma once
// Credentials: who a node is, to itself and to its fleet: its key, its certificate and the
// authority's certificate, in a folder of its own.
//
//   VERGE_TRY(Credentials own, Credentials::load("node"));
//   VERGE_RETURN_IF_ERROR(own.check_valid(now_unix_s));

#include <string>

#include <verge/platform/net/identity/revocation_list.hpp>

namespace verge::net {

/// A new private key and the request that asks an authority to certify it, both PEM. The key never
/// leaves the node.
struct CertificateRequest {
  std::string key;
  std::string request;
};

/// InvalidArgument for what is no node's name.
Result<CertificateRequest> make_request(std::string_view node);

/// A value; copies share nothing. Threads may read one together.
class Credentials {
 public:
  /// All PEM. Malformed for what is not, and for a key or an authority that the certificate is not
  /// of; `what` names them in errors.
  static Result<Credentials> make(std::string key, std::string certificate, std::string authority,
                                  std::string_view what);
  /// From a folder that save() wrote: node.key, node.crt, authority.crt, and revoked.crl where it
  /// is. NotFound without it.
  static Result<Credentials> load(const std::string& folder);

  /// Writes the folder whole or not at all, the key readable by its owner alone. Conflict where it
  /// exists.
  Status save(const std::string& folder) const;

  /// The request that asks for another certificate of the same key, PEM.
  std::string renewal_request() const;
  /// With another certificate of the same key and node, or a list of revoked ones (PEM) if that is
  /// newer than the own; kept in the folder that it was loaded from. Denied or Malformed for what
  /// is not of this node and fleet; then nothing changes. Where it cannot be kept (Io), a list
  /// counts even so.
  Status renew(const std::string& folder, std::string certificate);
  Status take_revocations(const std::string& folder, std::string_view list);

  const CertificateFacts& facts() const { return facts_; }
  const std::string& key() const { return key_; }
  const std::string& certificate() const { return certificate_; }
  const std::string& authority() const { return authority_; }
  const RevocationList& revoked() const { return revoked_; }
  /// Denied when the certificate is not valid at that time, with the remedy.
  Status check_valid(int64_t now_unix_s) const;

 private:
  Credentials() = default;

  CertificateFacts facts_;
  std::string key_;
  std::string certificate_;
  std::string authority_;
  RevocationList revoked_;
};

}  // namespace verge::net
