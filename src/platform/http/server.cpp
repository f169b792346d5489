#include <algorithm>
#include <atomic>
#include <thread>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <openssl/rand.h>
#include <sys/resource.h>

#include <verge/platform/http/connection/address.hpp>
#include <verge/platform/http/connection/listener.hpp>
#include <verge/platform/http/connection/loop.hpp>
#include <verge/platform/http/server.hpp>

namespace verge::http {
namespace {

// Files that the rest of the process needs: models, logs, stores.
constexpr int kFilesOfOthers = 128;

int affordable_connections(int wanted) {
  rlimit limit = {};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return wanted;
  const auto files = static_cast<int64_t>(limit.rlim_cur) - kFilesOfOthers;
  return static_cast<int>(std::clamp<int64_t>(files, 1, wanted));
}

uint32_t random_series() {
  uint32_t series = 0;
  ::RAND_bytes(reinterpret_cast<unsigned char*>(&series), sizeof(series));
  return series;
}

std::string url_of(const Listen& listen, uint16_t port) {
  if (!listen.unix_path.empty()) return "unix:" + listen.unix_path;
  return fmt::format("{}://{}", listen.tls ? "https" : "http", host_and_port(listen.host, port));
}

}  // namespace

struct Server::State {
  State(Router router, ServerOptions options, const Clock& clock)
      : site(std::move(router), std::move(options), clock,
             affordable_connections(options.limits.max_connections), random_series()) {
    for (int i = 0; i < std::max(1, site.options.threads); ++i) {
      loops.push_back(std::make_unique<Loop>(site));
    }
  }

  std::vector<Loop*> loop_pointers() const {
    std::vector<Loop*> pointers;
    for (const auto& loop : loops) pointers.push_back(loop.get());
    return pointers;
  }

  void stop(double grace_s) {
    const double deadline_s = site.clock.seconds() + grace_s;
    site.is_draining = true;
    for (const auto& loop : loops) {
      loop->post([this, &loop = *loop, deadline_s] {
        loop.drain(deadline_s, [this] {
          if (++quiet_loops == loops.size()) finish();
        });
      });
    }
  }

  // Arrivals that were handed over before are adopted before.
  void finish() {
    loops.front()->post([this] {
      listeners.clear();
      for (const auto& loop : loops) loop->post([&loop = *loop] { loop.finish(); });
    });
  }

  Site site;
  std::vector<std::unique_ptr<Loop>> loops;
  std::vector<std::unique_ptr<Listener>> listeners;
  std::atomic<size_t> quiet_loops{0};
};

Server::Server(Router router, ServerOptions options, const Clock& clock)
    : state_(std::make_unique<State>(std::move(router), std::move(options), clock)) {}

Server::~Server() = default;

Result<Endpoint> Server::listen(const Listen& listen) {
  std::optional<TlsContext> tls;
  if (listen.tls) {
    VERGE_TRY(tls, TlsContext::load(*listen.tls));
  }
  VERGE_TRY(std::vector<ListeningSocket> sockets, open_listening(listen));
  const uint16_t port = sockets.front().port;
  for (ListeningSocket& socket : sockets) {
    state_->listeners.push_back(
        std::make_unique<Listener>(state_->loop_pointers(), std::move(socket), tls));
    state_->listeners.back()->start();
  }
  return Endpoint{url_of(listen, port), port};
}

Status Server::run() {
  if (state_->listeners.empty() && !state_->site.is_draining) {
    return make_error(Code::InvalidArgument, "the server listens nowhere; call listen() first");
  }
  std::vector<std::thread> threads;
  for (size_t i = 1; i < state_->loops.size(); ++i) {
    threads.emplace_back([&loop = *state_->loops[i]] { loop.run(); });
  }
  state_->loops.front()->run();
  for (std::thread& thread : threads) thread.join();
  return {};
}

void Server::stop(double deadline_s) {
  state_->stop(deadline_s);
}

int Server::connections() const {
  return state_->site.seats.taken();
}

int Server::max_connections() const {
  return state_->site.seats.most();
}

}  // namespace verge::http
