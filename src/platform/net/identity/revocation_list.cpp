#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <verge/platform/net/identity/openssl.hpp>
#include <verge/platform/net/identity/revocation_list.hpp>

namespace verge::net {
namespace {

int64_t number_of(const X509_CRL* list) {
  const std::unique_ptr<ASN1_INTEGER, openssl::Freed<ASN1_INTEGER_free>> number(
      static_cast<ASN1_INTEGER*>(X509_CRL_get_ext_d2i(list, NID_crl_number, nullptr, nullptr)));
  int64_t value = 0;
  const bool is_there = number && ASN1_INTEGER_get_int64(&value, number.get()) == 1;
  ERR_clear_error();
  return is_there ? value : 0;
}

}  // namespace

Result<RevocationList> RevocationList::parse(std::string_view pem, std::string_view authority,
                                             std::string_view what) {
  RevocationList made;
  if (pem.empty()) return made;
  VERGE_TRY(const openssl::RevokedCertificates list, openssl::read_crl(pem, what));
  VERGE_TRY(const openssl::Certificate root, openssl::read_x509(authority, "the authority"));
  if (X509_CRL_verify(list.get(), X509_get0_pubkey(root.get())) != 1) {
    ERR_clear_error();
    return make_error(
        Code::Denied,
        "{}: the list of revoked certificates is not signed by this node's fleet; ask "
        "the fleet's authority",
        what);
  }
  const STACK_OF(X509_REVOKED)* const entries = X509_CRL_get_REVOKED(list.get());
  for (int i = 0; i < sk_X509_REVOKED_num(entries); ++i) {
    made.serials_.insert(
        openssl::hex_of(X509_REVOKED_get0_serialNumber(sk_X509_REVOKED_value(entries, i))));
  }
  made.number_ = number_of(list.get());
  made.pem_ = pem;
  return made;
}

Status RevocationList::check(const CertificateFacts& facts) const {
  if (!holds(facts.serial)) return {};
  return make_error(Code::Denied,
                    "the certificate of node \"{}\" was revoked by the authority of \"{}\"; join "
                    "again with a new token",
                    facts.node, facts.fleet);
}

}  // namespace verge::net
