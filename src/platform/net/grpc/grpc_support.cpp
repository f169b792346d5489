#include <algorithm>
#include <cstdlib>

#include <grpc/support/log.h>
#include <grpc/support/time.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/security/tls_certificate_provider.h>
#include <grpcpp/security/tls_certificate_verifier.h>
#include <grpcpp/security/tls_credentials_options.h>
#include <grpcpp/support/channel_arguments.h>
#include <grpcpp/support/status.h>

#include <verge/platform/net/grpc/grpc_support.hpp>
#include <verge/platform/net/printable.hpp>
#include <verge/platform/net/reach.hpp>

namespace verge::net {
namespace {

namespace tls = grpc::experimental;

constexpr int kFrameOverheadBytes = 1 << 16;
constexpr size_t kMostStatusText = 1000;

class CheckVerifier : public tls::ExternalCertificateVerifier {
 public:
  explicit CheckVerifier(std::shared_ptr<ServerCheck> check) : check_(std::move(check)) {}

  bool Verify(tls::TlsCustomVerificationCheckRequest* request, std::function<void(grpc::Status)>,
              grpc::Status* sync_status) override {
    const grpc::string_ref chain = request->peer_cert_full_chain();
    const grpc::string_ref leaf = request->peer_cert();
    const std::string text = chain.empty() ? std::string(leaf.data(), leaf.size())
                                           : std::string(chain.data(), chain.size());
    if (const verge::Status status = check_->check(text); !status) {
      *sync_status = grpc::Status(grpc::StatusCode::UNAUTHENTICATED, status.error().message);
    }
    return true;
  }
  void Cancel(tls::TlsCustomVerificationCheckRequest*) override {}

 private:
  std::shared_ptr<ServerCheck> check_;
};

std::shared_ptr<tls::CertificateProviderInterface> provider_of(const Credentials& own) {
  // The authority's certificate goes along, so that who holds a join token finds it.
  const tls::IdentityKeyCertPair pair{own.key(), own.certificate() + own.authority()};
  return std::make_shared<tls::StaticDataCertificateProvider>(
      own.authority(), std::vector<tls::IdentityKeyCertPair>{pair});
}

void drop_log(gpr_log_func_args*) {}

bool holds(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

struct CodePair {
  Code ours;
  grpc::StatusCode theirs;
};
constexpr CodePair kCodePairs[] = {
    {Code::InvalidArgument, grpc::StatusCode::INVALID_ARGUMENT},
    {Code::NotFound, grpc::StatusCode::NOT_FOUND},
    {Code::Malformed, grpc::StatusCode::DATA_LOSS},
    {Code::Unsupported, grpc::StatusCode::FAILED_PRECONDITION},
    {Code::Unsupported, grpc::StatusCode::UNIMPLEMENTED},
    {Code::Io, grpc::StatusCode::UNAVAILABLE},
    {Code::Io, grpc::StatusCode::CANCELLED},
    {Code::Conflict, grpc::StatusCode::ABORTED},
    {Code::Busy, grpc::StatusCode::RESOURCE_EXHAUSTED},
    {Code::Denied, grpc::StatusCode::PERMISSION_DENIED},
    {Code::Denied, grpc::StatusCode::UNAUTHENTICATED},
    {Code::Internal, grpc::StatusCode::INTERNAL},
};

Code code_of(grpc::StatusCode code) {
  const auto* const found = std::ranges::find(kCodePairs, code, &CodePair::theirs);
  return found == std::end(kCodePairs) ? Code::Io : found->ours;
}

}  // namespace

Result<std::string> target_of(const Address& address, double timeout_s) {
  VERGE_TRY(const std::vector<std::string> hosts, resolve(address));
  std::string host = hosts.front();
  if (hosts.size() > 1) {
    VERGE_TRY(host, reach_any(address, hosts, timeout_s));
  }
  const bool is_v6 = host.find(':') != std::string::npos;
  return (is_v6 ? "ipv6:" : "ipv4:") + Address{host, address.port}.text();
}

void silence_grpc() {
  static std::once_flag once;
  std::call_once(once, [] {
    if (std::getenv("GRPC_VERBOSITY") == nullptr) gpr_set_log_function(drop_log);
  });
}

Status ServerCheck::check(std::string_view chain) {
  Status status = judge_(chain);
  const std::lock_guard lock(mutex_);
  if (!status) refusal_ = status.error();
  return status;
}

std::optional<Error> ServerCheck::refusal() const {
  const std::lock_guard lock(mutex_);
  return refusal_;
}

std::shared_ptr<grpc::ChannelCredentials> client_tls(const Credentials* own,
                                                     std::shared_ptr<ServerCheck> check) {
  silence_grpc();
  tls::TlsChannelCredentialsOptions options;
  if (own != nullptr) {
    options.set_certificate_provider(provider_of(*own));
    options.watch_identity_key_cert_pairs();
    options.watch_root_certs();
  }
  // OpenSSL's own check would say only that it failed. Ours says why; it runs in the same
  // handshake, before anything of the stream is sent.
  options.set_verify_server_certs(false);
  options.set_check_call_host(false);
  options.set_certificate_verifier(
      tls::ExternalCertificateVerifier::Create<CheckVerifier>(std::move(check)));
  return tls::TlsCredentials(options);
}

std::shared_ptr<grpc::ServerCredentials> server_tls(const Credentials& own,
                                                    ClientCertificate clients) {
  silence_grpc();
  tls::TlsServerCredentialsOptions options(provider_of(own));
  options.watch_identity_key_cert_pairs();
  if (clients == ClientCertificate::Required) {
    options.watch_root_certs();
    options.set_cert_request_type(GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  } else {
    options.set_cert_request_type(GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE);
  }
  return tls::TlsServerCredentials(options);
}

void set_client_arguments(grpc::ChannelArguments& arguments, const StreamLimits& limits) {
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, milliseconds(limits.ping_s));
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, milliseconds(limits.ping_timeout_s));
  arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  arguments.SetMaxReceiveMessageSize(most_frame_bytes(limits));
}

int most_frame_bytes(const StreamLimits& limits) {
  return static_cast<int>(std::min<int64_t>(limits.message_bytes, 1 << 30)) + kFrameOverheadBytes;
}

int milliseconds(double seconds) {
  return static_cast<int>(std::clamp(seconds * 1000.0, 1.0, 2e9));
}

gpr_timespec grpc_deadline(double seconds) {
  return gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
                      gpr_time_from_millis(milliseconds(seconds), GPR_TIMESPAN));
}

grpc::Status grpc_status(const Error& error) {
  const auto* const found = std::ranges::find(kCodePairs, error.code, &CodePair::ours);
  return grpc::Status(found == std::end(kCodePairs) ? grpc::StatusCode::UNKNOWN : found->theirs,
                      error.message);
}

Error error_of_call(const grpc::Status& status, std::string_view peer) {
  if (status.ok()) {
    return make_error(Code::Io, "{}: ended the stream without closing it; dial again", peer);
  }
  const Code code = code_of(status.error_code());
  const std::string text = printable(status.error_message(), kMostStatusText);
  if (code == Code::Io) {
    return make_error(code, "{}: the link was lost ({}); dial again", peer, text);
  }
  return make_error(code, "{}: {}", peer, text);
}

Error error_of_dialling(const grpc::Status& status, std::string_view peer) {
  const std::string& text = status.error_message();
  if (status.error_code() == grpc::StatusCode::DEADLINE_EXCEEDED) {
    return make_error(Code::Io, "{}: no answer in time; check the address and the network", peer);
  }
  if (status.error_code() != grpc::StatusCode::UNAVAILABLE) return error_of_call(status, peer);
  if (holds(text, "Connection refused")) {
    return make_error(
        Code::Io, "{}: nothing listens there; start the node, or check its host and port", peer);
  }
  if (holds(text, "andshake") || holds(text, "ocket closed") || holds(text, "reset by peer") ||
      holds(text, "roken pipe") || holds(text, "recvmsg")) {
    return make_error(
        Code::Io,
        "{}: ended the connection while both were to show their certificates; it may "
        "be no Verge node, or not accept the certificate of this one: check that both "
        "are of one fleet, and the other's clock ({})",
        peer, text);
  }
  return make_error(Code::Io, "{}: cannot be reached ({}); check the address and the network", peer,
                    text);
}

}  // namespace verge::net
