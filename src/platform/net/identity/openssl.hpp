#pragma once
// OpenSSL's objects with owners, and PEM text. Internal to this module.

#include <memory>
#include <string>
#include <string_view>

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <verge/core/file.hpp>

namespace verge::net::openssl {

template <auto Free>
struct Freed {
  template <typename T>
  void operator()(T* object) const {
    Free(object);
  }
};

using Key = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Freed<X509_free>>;
using Request = std::unique_ptr<X509_REQ, Freed<X509_REQ_free>>;
using RevokedCertificates = std::unique_ptr<X509_CRL, Freed<X509_CRL_free>>;

/// A new P-256 key, which every TLS library takes.
Key make_key();

std::string pem_of(const Key& key);
std::string pem_of(const Certificate& certificate);
std::string pem_of(const Request& request);
std::string pem_of(const RevokedCertificates& list);

/// Malformed for what is no PEM of its kind; `what` names it: "node/node.key".
Result<Key> read_key(std::string_view pem, std::string_view what);
Result<Certificate> read_x509(std::string_view pem, std::string_view what);
Result<Request> read_request(std::string_view pem, std::string_view what);
Result<RevokedCertificates> read_crl(std::string_view pem, std::string_view what);

/// Hexadecimal, two digits a byte.
std::string hex_of(const ASN1_INTEGER* number);

/// A file that appears whole or not at all.
Status write_pem(const std::string& path, const std::string& pem, Rights rights);

/// Why the last call failed, in OpenSSL's words; forgets it.
std::string last_reason();

}  // namespace verge::net::openssl
