#include <cerrno>
#include <chrono>
#include <string>
#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <verge/platform/http/connection/address.hpp>
#include <verge/platform/http/connection/connection.hpp>
#include <verge/platform/http/connection/listener.hpp>
#include <verge/platform/http/connection/socket_transport.hpp>

namespace verge::http {
namespace {

namespace asio = boost::asio;

// Taken at once before the loop's other work has its turn.
constexpr int kMostAccepted = 64;
// Functions that are posted can be copied, which neither socket nor seat can.
struct Arrival {
  Descriptor socket;
  Seats::Seat seat;
  Peer peer;
};

// Without descriptors or memory, accepting waits for others to give some back.
constexpr std::chrono::milliseconds kPause{50};
constexpr int kKeepAliveS = 60;

void set_option(int socket, int level, int option, int value) {
  ::setsockopt(socket, level, option, &value, sizeof(value));
}

// Answers leave at once; a peer that vanished without a word is noticed.
void tune(int socket, double write_timeout_s) {
  set_option(socket, IPPROTO_TCP, TCP_NODELAY, 1);
  set_option(socket, SOL_SOCKET, SO_KEEPALIVE, 1);
  set_option(socket, IPPROTO_TCP, TCP_KEEPIDLE, kKeepAliveS);
  set_option(socket, IPPROTO_TCP, TCP_USER_TIMEOUT, static_cast<int>(write_timeout_s * 1000));
}

}  // namespace

struct Listener::Acceptor : std::enable_shared_from_this<Acceptor> {
  Acceptor(std::vector<Loop*> of, ListeningSocket listening, std::optional<TlsContext> context)
      : loops(std::move(of)),
        family(listening.family),
        unix_path(std::move(listening.unix_path)),
        tls(std::move(context)),
        descriptor(loops.front()->context(), listening.descriptor.release()),
        timer(loops.front()->context()) {}

  void wait() {
    descriptor.async_wait(asio::posix::stream_descriptor::wait_read,
                          [self = shared_from_this()](const boost::system::error_code& ec) {
                            if (!ec) self->accept_all();
                          });
  }

  void pause() {
    timer.expires_after(kPause);
    timer.async_wait([self = shared_from_this()](const boost::system::error_code& ec) {
      if (!ec) self->wait();
    });
  }

  void accept_all() {
    for (int i = 0; i < kMostAccepted && descriptor.is_open(); ++i) {
      sockaddr_storage address = {};
      socklen_t size = sizeof(address);
      Descriptor socket(::accept4(descriptor.native_handle(), reinterpret_cast<sockaddr*>(&address),
                                  &size, SOCK_NONBLOCK | SOCK_CLOEXEC));
      if (socket.is_open()) {
        hand_over(std::move(socket), address);
      } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
        break;
      } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
        return pause();
      }
    }
    if (descriptor.is_open()) wait();
  }

  void hand_over(Descriptor socket, sockaddr_storage address) {
    address.ss_family = static_cast<sa_family_t>(family);
    const size_t first = next++ % loops.size();
    Site& site = loops[first]->site();
    if (family != AF_UNIX) tune(socket.number(), site.options.limits.write_timeout_s);
    const auto arrival = std::make_shared<Arrival>(
        Arrival{std::move(socket), site.seats.take(address_group(address)),
                Peer{address_name(address), tls.has_value()}});
    if (first == 0) return adopt(first, arrival, loops.size() - 1);
    post(first, arrival, loops.size() - 1);
  }

  void post(size_t index, const std::shared_ptr<Arrival>& arrival, size_t others) {
    loops[index]->post([self = shared_from_this(), index, arrival, others] {
      self->adopt(index, arrival, others);
    });
  }

  // On that loop's thread. Where nothing waits that could make room, one of the others may have it.
  void adopt(size_t index, const std::shared_ptr<Arrival>& arrival, size_t others) {
    Loop& loop = *loops[index];
    const bool stays =
        arrival->seat.kind() == Seats::Kind::BeyondAddress || loop.find_room(arrival->seat);
    if (!stays && others > 0) return post((index + 1) % loops.size(), arrival, others - 1);
    std::unique_ptr<Transport> transport =
        tls ? tls_transport(loop, std::move(arrival->socket), family, *tls)
            : plain_transport(loop, std::move(arrival->socket), family);
    if (transport == nullptr) return;
    loop.adopt(std::move(transport), std::move(arrival->peer), std::move(arrival->seat));
  }

  void stop() {
    if (!descriptor.is_open()) return;
    boost::system::error_code ignored;
    descriptor.close(ignored);
    timer.cancel();
    if (!unix_path.empty()) ::unlink(unix_path.c_str());
  }

  const std::vector<Loop*> loops;
  const int family;
  const std::string unix_path;
  const std::optional<TlsContext> tls;
  asio::posix::stream_descriptor descriptor;
  asio::steady_timer timer;
  size_t next = 0;
};

Listener::Listener(std::vector<Loop*> loops, ListeningSocket socket, std::optional<TlsContext> tls)
    : acceptor_(std::make_shared<Acceptor>(std::move(loops), std::move(socket), std::move(tls))) {}

Listener::~Listener() {
  stop();
}

void Listener::start() {
  acceptor_->wait();
}

void Listener::stop() {
  acceptor_->stop();
}

}  // namespace verge::http
