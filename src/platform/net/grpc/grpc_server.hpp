#pragma once
// GrpcServer: takes Channels from nodes of the same fleet: gRPC streams over mutual TLS. There is
// no way in without a certificate of the fleet, on no address; within a process,
// link/channel_pair.hpp makes channels.
//
//   VERGE_TRY(auto server, GrpcServer::start(own, {.port = 7443},
//       [&](Peer peer, std::unique_ptr<Channel> channel) { ... }));

#include <functional>
#include <memory>
#include <string>

#include <verge/core/channel.hpp>
#include <verge/platform/net/grpc/stream_limits.hpp>
#include <verge/platform/net/identity/credentials.hpp>

namespace verge::net {

/// Who dialled, and for which service.
struct Peer {
  CertificateFacts facts;
  std::string service;
};

struct GrpcServerOptions {
  std::string host = "127.0.0.1";
  int port = 0;  // 0: any that is free
  /// A connection has 10 s to show its certificate, and ends after 60 s without a channel.
  int max_channels = 1024;
  int max_channels_a_node = 64;
  /// Whether to let a peer in, in a thread of gRPC: must not wait. The peer hears the error.
  std::function<Status(const Peer& peer)> accept{};
  StreamLimits limits{};
};

/// Any thread.
class GrpcServer {
 public:
  /// Called in a thread of gRPC for each peer that was let in: must not wait; give the channel to a
  /// thread of yours. The channel may outlive the server.
  using OnPeer = std::function<void(Peer peer, std::unique_ptr<Channel> channel)>;

  /// Denied when the certificate is not valid now, Io when the address cannot be had.
  static Result<std::unique_ptr<GrpcServer>> start(const Credentials& own, int64_t now_unix_s,
                                                   const GrpcServerOptions& options,
                                                   OnPeer on_peer);
  /// stop(0).
  ~GrpcServer();

  int port() const;
  /// Streams that are open or being opened.
  int channels() const;
  /// Lets in none of these certificates from now on, beside those that its own credentials name,
  /// and ends the channels of those that are in.
  void refuse(RevocationList revoked);
  /// Takes no new peers; what channels had taken is sent, for `drain_s` at most; then both ends see
  /// Io. Returns when nothing of the server runs any more. Not from OnPeer.
  void stop(double drain_s);

 private:
  struct State;
  explicit GrpcServer(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace verge::net
