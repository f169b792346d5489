#include <openssl/ec.h>
#include <openssl/err.h>

#include <verge/platform/net/identity/openssl.hpp>

namespace verge::net::openssl {
namespace {

using Bio = std::unique_ptr<BIO, Freed<BIO_free>>;

Bio reader_of(std::string_view text) {
  return Bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

template <typename Write>
std::string written(Write write) {
  const Bio bio(BIO_new(BIO_s_mem()));
  VERGE_CHECK(write(bio.get()) == 1, last_reason());
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return std::string(data, static_cast<size_t>(size));
}

// In place of OpenSSL's question at the terminal.
int refuse_passphrase(char*, int, int, void*) {
  return 0;
}

Error no_pem(std::string_view what, std::string_view kind, std::string_view label) {
  ERR_clear_error();
  return make_error(Code::Malformed, "{}: no {} in PEM form (\"-----BEGIN {}-----\")", what, kind,
                    label);
}

}  // namespace

Key make_key() {
  Key key(EVP_EC_gen("P-256"));
  VERGE_CHECK(key != nullptr, last_reason());
  return key;
}

std::string pem_of(const Key& key) {
  return written([&](BIO* bio) {
    return PEM_write_bio_PrivateKey(bio, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  });
}

std::string pem_of(const Certificate& certificate) {
  return written([&](BIO* bio) { return PEM_write_bio_X509(bio, certificate.get()); });
}

std::string pem_of(const Request& request) {
  return written([&](BIO* bio) { return PEM_write_bio_X509_REQ(bio, request.get()); });
}

std::string pem_of(const RevokedCertificates& list) {
  return written([&](BIO* bio) { return PEM_write_bio_X509_CRL(bio, list.get()); });
}

Result<Key> read_key(std::string_view pem, std::string_view what) {
  Key key(PEM_read_bio_PrivateKey(reader_of(pem).get(), nullptr, refuse_passphrase, nullptr));
  if (!key) return no_pem(what, "private key without a passphrase", "PRIVATE KEY");
  return key;
}

Result<Certificate> read_x509(std::string_view pem, std::string_view what) {
  Certificate certificate(PEM_read_bio_X509(reader_of(pem).get(), nullptr, nullptr, nullptr));
  if (!certificate) return no_pem(what, "certificate", "CERTIFICATE");
  return certificate;
}

Result<Request> read_request(std::string_view pem, std::string_view what) {
  Request request(PEM_read_bio_X509_REQ(reader_of(pem).get(), nullptr, nullptr, nullptr));
  if (!request) return no_pem(what, "certificate request", "CERTIFICATE REQUEST");
  return request;
}

Result<RevokedCertificates> read_crl(std::string_view pem, std::string_view what) {
  RevokedCertificates list(PEM_read_bio_X509_CRL(reader_of(pem).get(), nullptr, nullptr, nullptr));
  if (!list) return no_pem(what, "list of revoked certificates", "X509 CRL");
  return list;
}

std::string hex_of(const ASN1_INTEGER* number) {
  const unsigned char* const bytes = ASN1_STRING_get0_data(number);
  std::string text;
  for (int i = 0; i < ASN1_STRING_length(number); ++i) text += fmt::format("{:02x}", bytes[i]);
  return text;
}

Status write_pem(const std::string& path, const std::string& pem, Rights rights) {
  return write_whole_file(path, pem, rights);
}

std::string last_reason() {
  const char* const reason = ERR_reason_error_string(ERR_peek_last_error());
  ERR_clear_error();
  return reason == nullptr ? "unknown reason" : reason;
}

}  // namespace verge::net::openssl
