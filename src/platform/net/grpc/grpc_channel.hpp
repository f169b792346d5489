#pragma once
// A Channel to a node of the same fleet: a gRPC stream over mutual TLS.
//
//   VERGE_TRY(auto channel, dial("edge-1.example:7443", own, now_unix_s));
//
// Verge nodes agree on TLS 1.3; gRPC 1.51 has no means to demand it, so that another program with a
// certificate of the fleet may ask for 1.2. The server's certificate must be signed by the
// authority of this node's fleet and name the host that was dialled, or be of the node that was
// meant.

#include <cstdint>
#include <memory>
#include <stop_token>
#include <string>

#include <verge/core/channel.hpp>
#include <verge/platform/net/grpc/stream_limits.hpp>
#include <verge/platform/net/identity/credentials.hpp>

namespace verge::net {

struct DialOptions {
  /// Whose certificate it must be, whatever hosts that names; empty: any node's that names the
  /// host.
  std::string node{};
  /// Which of the other end's services the channel is for: lower-case letters.
  std::string service{};
  double timeout_s = 10;  // until the other end has answered
  /// Gives it up at once, from another thread.
  std::stop_token stop{};
  StreamLimits limits{};
};

/// Looks the host up and waits for the other end's answer. Denied for certificates (this node's or
/// the other's: expired, another fleet, another host), Unsupported for another version of the
/// protocol, Busy when the node has no room, NotFound when it has no such service, Io when nothing
/// answers, Cancelled when it was stopped; each names the address and the remedy. Beside Channel's
/// errors, send() fails with InvalidArgument for a message beyond the limits of either end. The
/// channel's destructor waits until what it had taken was sent, up to linger_s: not for threads of
/// gRPC. `peer` is told whose certificate answered.
Result<std::unique_ptr<Channel>> dial(const std::string& address, const Credentials& own,
                                      int64_t now_unix_s, const DialOptions& options = {},
                                      CertificateFacts* peer = nullptr);

}  // namespace verge::net
