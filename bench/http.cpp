// Requests a second of the HTTP server on one thread of its own, asked by wrk (a Debian package):
// a trivial handler, a missing route, and 1,000 connections that send nothing beside them.
//
//   bench_http [SECONDS]          # 5 a case

#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <verge/core/clock.hpp>
#include <verge/platform/http/server.hpp>

namespace {

using namespace verge;

int connected(uint16_t port) {
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return ::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0
             ? socket
             : -1;
}

// The lines of wrk that say how fast and how late.
void ask(const std::string& name, const std::string& url, int seconds) {
  const std::string command = fmt::format("wrk -t1 -c64 -d{}s --latency {}", seconds, url);
  std::printf("%s: %s\n", name.c_str(), command.c_str());
  std::fflush(stdout);
  const std::string filter = command + " | grep -E 'Requests/sec|50%|99%|Socket errors|Non-2xx'";
  if (std::system(filter.c_str()) != 0) std::printf("wrk failed\n");
}

}  // namespace

int main(int argc, char** argv) {
  const int seconds = argc > 1 ? std::atoi(argv[1]) : 5;
  const SystemClock clock;
  http::Router router;
  router.add("GET", "/health", [](http::Request, http::ResponseWriter writer) {
    writer.respond(http::text_response(200, "ok\n"));
  });
  http::ServerOptions options;
  options.limits.header_timeout_s = 600;
  http::Server server(std::move(router), options, clock);
  const auto endpoint = server.listen({});
  if (!endpoint) return 1;
  std::thread thread([&] { static_cast<void>(server.run()); });
  ask("handler", endpoint->url + "/health", seconds);
  ask("missing route", endpoint->url + "/missing", seconds);
  std::vector<int> silent;
  for (int i = 0; i < 1000; ++i) silent.push_back(connected(endpoint->port));
  ask("handler beside 1,000 silent connections", endpoint->url + "/health", seconds);
  server.stop(0);
  thread.join();
  return 0;
}
