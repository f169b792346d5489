#pragma once
// Certificates and keys of a test's own, made by OpenSSL, and a client that speaks TLS.

#include <memory>
#include <string>

#include <gtest/gtest.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "http_client.hpp"

namespace verge::test {

struct PemPair {
  std::string certificate, key, encrypted_key;
};

inline std::string bio_text(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return std::string(data, static_cast<size_t>(size));
}

/// A self-signed certificate of localhost and its P-256 key; another one at each call.
inline PemPair make_certificate() {
  PemPair pair;
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(EVP_EC_gen("P-256"), EVP_PKEY_free);
  const std::unique_ptr<X509, decltype(&X509_free)> certificate(X509_new(), X509_free);
  X509* const x = certificate.get();
  X509_set_version(x, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
  X509_gmtime_adj(X509_getm_notBefore(x), -3600);
  X509_gmtime_adj(X509_getm_notAfter(x), 3600);
  X509_set_pubkey(x, key.get());
  X509_NAME* const name = X509_get_subject_name(x);
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>("localhost"), -1, -1, 0);
  X509_set_issuer_name(x, name);
  EXPECT_NE(X509_sign(x, key.get(), EVP_sha256()), 0);
  const std::unique_ptr<BIO, decltype(&BIO_free)> out(BIO_new(BIO_s_mem()), BIO_free);
  PEM_write_bio_X509(out.get(), x);
  pair.certificate = bio_text(out.get());
  static_cast<void>(BIO_reset(out.get()));
  PEM_write_bio_PrivateKey(out.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  pair.key = bio_text(out.get());
  static_cast<void>(BIO_reset(out.get()));
  unsigned char pass[] = "pass";
  PEM_write_bio_PKCS8PrivateKey(out.get(), key.get(), EVP_aes_128_cbc(),
                                reinterpret_cast<char*>(pass), 4, nullptr, nullptr);
  pair.encrypted_key = bio_text(out.get());
  return pair;
}

class TlsClient : public HttpClient {
 public:
  /// `most`: the newest version offered, as TLS1_2_VERSION; 0 for any.
  explicit TlsClient(uint16_t port, int least = 0, int most = 0)
      : HttpClient(port), context_(SSL_CTX_new(TLS_client_method()), SSL_CTX_free) {
    SSL_CTX_set_min_proto_version(context_.get(), least);
    SSL_CTX_set_max_proto_version(context_.get(), most);
    SSL_CTX_set_security_level(context_.get(), 0);
    ssl_.reset(SSL_new(context_.get()));
    static constexpr unsigned char kOffered[] = "\x02h2\x08http/1.1";
    SSL_set_alpn_protos(ssl_.get(), kOffered, sizeof(kOffered) - 1);
    SSL_set_fd(ssl_.get(), socket());
    is_secure_ = SSL_connect(ssl_.get()) == 1;
  }

  bool is_secure() const { return is_secure_; }
  std::string version() const { return SSL_get_version(ssl_.get()); }
  std::string protocol() const {
    const unsigned char* name = nullptr;
    unsigned size = 0;
    SSL_get0_alpn_selected(ssl_.get(), &name, &size);
    return std::string(reinterpret_cast<const char*>(name), size);
  }
  /// Whether the server said goodbye before its end.
  bool was_told_goodbye() const {
    return (SSL_get_shutdown(ssl_.get()) & SSL_RECEIVED_SHUTDOWN) != 0;
  }
  void say_goodbye() { SSL_shutdown(ssl_.get()); }

  bool send(std::string_view bytes) override {
    return SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size())) > 0;
  }

 protected:
  ssize_t receive(char* data, size_t size) override {
    if (SSL_pending(ssl_.get()) == 0) {
      pollfd waiting{socket(), POLLIN, 0};
      if (::poll(&waiting, 1, 10'000) != 1) {
        ADD_FAILURE() << "nothing came within ten seconds";
        return -1;
      }
    }
    return SSL_read(ssl_.get(), data, static_cast<int>(size));
  }

 private:
  std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context_;
  std::unique_ptr<SSL, decltype(&SSL_free)> ssl_{nullptr, SSL_free};
  bool is_secure_ = false;
};

}  // namespace verge::test
