#include <string>
#include <utility>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include <verge/core/file.hpp>
#include <verge/platform/http/connection/tls_context.hpp>

namespace verge::http {
namespace {

constexpr size_t kMostFileBytes = 1 << 20;

using Bio = std::unique_ptr<BIO, decltype(&BIO_free)>;
using Certificate = std::unique_ptr<X509, decltype(&X509_free)>;
using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;

Bio bytes_of(const std::string& text) {
  return {BIO_new_mem_buf(text.data(), static_cast<int>(text.size())), BIO_free};
}

// In place of OpenSSL's question at the terminal.
int refuse_to_ask(char*, int, int, void* was_asked) {
  *static_cast<bool*>(was_asked) = true;
  return 0;
}

std::string last_reason() {
  const char* const reason = ERR_reason_error_string(ERR_peek_last_error());
  ERR_clear_error();
  return reason == nullptr ? "unknown reason" : reason;
}

Status use_certificates(SSL_CTX* context, const std::string& path) {
  VERGE_TRY(const std::string text, read_whole_file(path, kMostFileBytes));
  const Bio bio = bytes_of(text);
  const Certificate leaf(PEM_read_bio_X509_AUX(bio.get(), nullptr, nullptr, nullptr), X509_free);
  if (!leaf) {
    ERR_clear_error();
    return make_error(Code::Malformed,
                      "{}: no certificate in PEM form (\"-----BEGIN CERTIFICATE-----\"); give the "
                      "server's certificate, followed by its intermediates",
                      path);
  }
  if (SSL_CTX_use_certificate(context, leaf.get()) != 1) {
    return make_error(Code::Malformed, "{}: the certificate cannot be used: {}", path,
                      last_reason());
  }
  for (;;) {
    Certificate next(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr), X509_free);
    if (!next) break;
    if (SSL_CTX_add0_chain_cert(context, next.get()) == 1) static_cast<void>(next.release());
  }
  ERR_clear_error();
  return {};
}

Status use_key(SSL_CTX* context, const TlsFiles& files) {
  VERGE_TRY(const std::string text, read_whole_file(files.key, kMostFileBytes));
  const Bio bio = bytes_of(text);
  bool was_asked = false;
  const Key key(PEM_read_bio_PrivateKey(bio.get(), nullptr, refuse_to_ask, &was_asked),
                EVP_PKEY_free);
  if (was_asked) {
    ERR_clear_error();
    return make_error(Code::Unsupported,
                      "{}: the key is encrypted; give one without a passphrase, as `openssl pkey "
                      "-in KEY -out PLAIN` writes it, in a file only the server can read",
                      files.key);
  }
  if (!key) {
    ERR_clear_error();
    return make_error(Code::Malformed,
                      "{}: no private key in PEM form (\"-----BEGIN PRIVATE KEY-----\")",
                      files.key);
  }
  if (SSL_CTX_use_PrivateKey(context, key.get()) != 1 || SSL_CTX_check_private_key(context) != 1) {
    ERR_clear_error();
    return make_error(Code::Malformed,
                      "{}: the key does not belong to the certificate in {}; give the key that the "
                      "certificate was made for",
                      files.key, files.certificate);
  }
  return {};
}

int select_http(SSL*, const unsigned char** chosen, unsigned char* chosen_size,
                const unsigned char* offered, unsigned offered_size, void*) {
  static constexpr unsigned char kHttp[] = "\x08http/1.1";
  unsigned char* found = nullptr;
  const int result =
      SSL_select_next_proto(&found, chosen_size, kHttp, sizeof(kHttp) - 1, offered, offered_size);
  *chosen = found;
  return result == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK;
}

}  // namespace

Result<TlsContext> TlsContext::load(const TlsFiles& files) {
  std::shared_ptr<SSL_CTX> context(SSL_CTX_new(TLS_server_method()), SSL_CTX_free);
  VERGE_CHECK(context != nullptr);
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_mode(context.get(), SSL_MODE_RELEASE_BUFFERS);
  // Tickets resume sessions; a cache would hold memory for clients that never return.
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
  SSL_CTX_set_alpn_select_cb(context.get(), select_http, nullptr);
  VERGE_RETURN_IF_ERROR(use_certificates(context.get(), files.certificate));
  VERGE_RETURN_IF_ERROR(use_key(context.get(), files));
  return TlsContext(std::move(context));
}

}  // namespace verge::http
