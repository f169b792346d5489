#pragma once
// RevocationList: which certificates of a fleet are not to be believed any more, signed by its
// authority (a CRL of RFC 5280). A node keeps the newest that it has seen.
//
//   VERGE_TRY(RevocationList list, RevocationList::parse(pem, authority_pem, "node"));
//   if (list.holds(facts.serial)) ...

#include <cstdint>
#include <set>
#include <string>
#include <string_view>

#include <verge/platform/net/identity/certificate.hpp>

namespace verge::net {

/// A value.
class RevocationList {
 public:
  /// None is revoked; older than any that an authority has signed.
  RevocationList() = default;
  /// Of PEM; "" is the one above. Malformed for what is no list, Denied for one that the authority
  /// (PEM) did not sign; `what` names it in the error.
  static Result<RevocationList> parse(std::string_view pem, std::string_view authority,
                                      std::string_view what);

  bool holds(const std::string& serial) const { return serials_.contains(serial); }
  /// Denied, with the remedy, for a certificate that it holds.
  Status check(const CertificateFacts& facts) const;
  /// Grows with each list that the authority signs.
  int64_t number() const { return number_; }
  size_t size() const { return serials_.size(); }
  const std::string& pem() const { return pem_; }

 private:
  std::string pem_;
  int64_t number_ = 0;
  std::set<std::string> serials_;  // as CertificateFacts has them
};

}  // namespace verge::net
