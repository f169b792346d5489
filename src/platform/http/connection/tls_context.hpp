#pragma once
// TlsContext: a server's certificate and key, and what TLS it speaks: 1.2 and 1.3, HTTP/1.1 by
// ALPN.

#include <memory>

#include <verge/core/result.hpp>
#include <verge/platform/http/options.hpp>

typedef struct ssl_ctx_st SSL_CTX;

namespace verge::http {

/// Copies share what they hold.
class TlsContext {
 public:
  /// NotFound for a missing file, Malformed for one that is no PEM or a key that does not belong to
  /// the certificate, Unsupported for an encrypted key; each names the file.
  static Result<TlsContext> load(const TlsFiles& files);

  SSL_CTX* native() const { return context_.get(); }

 private:
  explicit TlsContext(std::shared_ptr<SSL_CTX> context) : context_(std::move(context)) {}
  std::shared_ptr<SSL_CTX> context_;
};

}  // namespace verge::http
