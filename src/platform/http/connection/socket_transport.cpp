#include <boost/asio/post.hpp>
#include <unistd.h>

#include <verge/platform/http/connection/socket_transport.hpp>
#include <verge/platform/http/connection/stream_transport.hpp>

namespace verge::http {
namespace {

class PlainTransport : public Transport {
 public:
  explicit PlainTransport(Socket socket) : socket_(std::move(socket)) {}

  void open(UserPointer user) override {
    boost::asio::post(socket_.get_executor(), [user = std::move(user)] { user->on_open(true); });
  }
  void read(UserPointer user, std::span<char> space) override {
    start_read(socket_, std::move(user), space);
  }
  void write(UserPointer user, std::span<const std::string_view> parts) override {
    start_write(socket_, std::move(user), parts);
  }
  void shutdown(UserPointer) override {
    ErrorCode ignored;
    socket_.shutdown(Socket::shutdown_send, ignored);
  }
  void close() override {
    ErrorCode ignored;
    socket_.close(ignored);
  }

 private:
  Socket socket_;
};

}  // namespace

std::unique_ptr<Transport> plain_transport(Loop& loop, Descriptor descriptor, int family) {
  Socket socket(loop.context().get_executor());
  ErrorCode ec;
  socket.assign(boost::asio::generic::stream_protocol(family, 0), descriptor.release(), ec);
  if (ec) return nullptr;
  return std::make_unique<PlainTransport>(std::move(socket));
}

}  // namespace verge::http
