#pragma once
// What client and server of gRPC share: its TLS, its errors in ours, its silence. Internal to this
// module; names gRPC's types without their headers.

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include <verge/platform/net/address.hpp>
#include <verge/platform/net/grpc/stream_limits.hpp>
#include <verge/platform/net/identity/credentials.hpp>

struct gpr_timespec;

namespace grpc {
class ChannelArguments;
class ChannelCredentials;
class ServerCredentials;
class Status;
}  // namespace grpc

namespace verge::net {

/// In the metadata of a stream: which service it is for.
inline constexpr const char* kServiceKey = "verge-service";

/// The host's address, as gRPC takes it, by the machine's own look-up, which knows names that
/// gRPC's c-ares does not. Of several it is the one that answers first: gRPC takes addresses of one
/// kind alone, and waits 20 s for one that is silent before it tries the next. Io for a name
/// without an address, and where none of several answers in `timeout_s`.
Result<std::string> target_of(const Address& address, double timeout_s);

/// Keeps gRPC from writing to standard error, unless GRPC_VERBOSITY asks for it.
void silence_grpc();

/// Says of a server's chain (PEM, its own certificate first) whether to go on with it. Runs in
/// threads of gRPC during a handshake.
class ServerCheck {
 public:
  using Judge = std::function<Status(std::string_view chain)>;
  explicit ServerCheck(Judge judge) : judge_(std::move(judge)) {}

  Status check(std::string_view chain);
  std::optional<Error> refusal() const;

 private:
  const Judge judge_;
  mutable std::mutex mutex_;
  std::optional<Error> refusal_;
};

/// With the node's certificate, or none where `own` is null. Whom to trust is the check's alone.
std::shared_ptr<grpc::ChannelCredentials> client_tls(const Credentials* own,
                                                     std::shared_ptr<ServerCheck> check);
enum class ClientCertificate { Required, None };
std::shared_ptr<grpc::ServerCredentials> server_tls(const Credentials& own,
                                                    ClientCertificate clients);

/// A connection of its own, its pings and largest message.
void set_client_arguments(grpc::ChannelArguments& arguments, const StreamLimits& limits);
/// What gRPC may take for one frame.
int most_frame_bytes(const StreamLimits& limits);
/// Milliseconds of seconds that an int can hold.
int milliseconds(double seconds);
/// That many seconds from now on.
gpr_timespec grpc_deadline(double seconds);

grpc::Status grpc_status(const Error& error);
/// Of a call that had reached the other end.
Error error_of_call(const grpc::Status& status, std::string_view peer);
/// Of one that had not: what is wrong at that address.
Error error_of_dialling(const grpc::Status& status, std::string_view peer);

}  // namespace verge::net
