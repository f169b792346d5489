#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/ssl/stream.hpp>

#include <verge/platform/http/connection/socket_transport.hpp>
#include <verge/platform/http/connection/stream_transport.hpp>

namespace verge::http {
namespace {

namespace ssl = boost::asio::ssl;

class TlsTransport : public Transport {
 public:
  // ssl::context takes a reference of its own to the SSL_CTX.
  TlsTransport(Socket socket, SSL_CTX* tls)
      : context_(shared(tls)), stream_(std::move(socket), context_) {}

  void open(UserPointer user) override {
    stream_.async_handshake(ssl::stream_base::server,
                            [user = std::move(user)](const ErrorCode& ec) { user->on_open(!ec); });
  }
  void read(UserPointer user, std::span<char> space) override {
    stream_.async_read_some(boost::asio::buffer(space.data(), space.size()),
                            [user = std::move(user)](const ErrorCode& ec, size_t bytes) {
                              user->on_read(ec ? 0 : bytes, is_end(ec));
                            });
  }
  void write(UserPointer user, std::span<const std::string_view> parts) override {
    start_write(stream_, std::move(user), parts);
  }
  void shutdown(UserPointer user) override {
    stream_.async_shutdown([user = std::move(user)](const ErrorCode&) {});
  }
  void close() override {
    ErrorCode ignored;
    stream_.lowest_layer().close(ignored);
  }

 private:
  static SSL_CTX* shared(SSL_CTX* tls) {
    SSL_CTX_up_ref(tls);
    return tls;
  }
  // Many clients close without TLS's own goodbye.
  static bool is_end(const ErrorCode& ec) {
    return ec == boost::asio::error::eof || ec == ssl::error::stream_truncated;
  }

  ssl::context context_;
  ssl::stream<Socket> stream_;
};

}  // namespace

std::unique_ptr<Transport> tls_transport(Loop& loop, Descriptor descriptor, int family,
                                         const TlsContext& tls) {
  Socket socket(loop.context().get_executor());
  ErrorCode ec;
  socket.assign(boost::asio::generic::stream_protocol(family, 0), descriptor.release(), ec);
  if (ec) return nullptr;
  return std::make_unique<TlsTransport>(std::move(socket), tls.native());
}

}  // namespace verge::http
