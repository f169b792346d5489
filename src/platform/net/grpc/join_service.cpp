#include <utility>

#include <grpcpp/create_channel.h>
#include <grpcpp/resource_quota.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>

#include <verge/platform/net/grpc/frame.hpp>
#include <verge/platform/net/grpc/grpc_support.hpp>
#include <verge/platform/net/grpc/join_service.hpp>
#include <verge/platform/net/grpc/wire.grpc.pb.h>

namespace verge::net {
namespace {

constexpr int kMostRequestBytes = 1 << 16;
constexpr int kMostThreads = 8;

class Enrolment final : public wire::Join::Service {
 public:
  Enrolment(const Authority& authority, TokenBook& book, const Clock& calendar, int node_port)
      : authority_(authority), book_(book), calendar_(calendar), node_port_(node_port) {}

  grpc::Status Enrol(grpc::ServerContext*, const wire::EnrolRequest* request,
                     wire::EnrolReply* reply) override {
    const Result<std::string> certificate = enrol(*request);
    if (!certificate) return grpc_status(certificate.error());
    reply->set_certificate(*certificate);
    reply->set_node_port(static_cast<uint32_t>(node_port_));
    return grpc::Status::OK;
  }

 private:
  // What could be refused is, before the token is used up.
  Result<std::string> enrol(const wire::EnrolRequest& request) {
    if (request.major() != kWireMajor) {
      return make_error(Code::Unsupported,
                        "the joining node speaks version {}.{} of the protocol and this one {}.{}; "
                        "update the older of the two",
                        request.major(), request.minor(), kWireMajor, kWireMinor);
    }
    VERGE_TRY(const JoinToken token, JoinToken::parse(request.token()));
    VERGE_RETURN_IF_ERROR(check_request(request.request()));
    const int64_t now_unix_s = static_cast<int64_t>(calendar_.seconds());
    VERGE_TRY(const Invitation invitation,
              book_.redeem(token, authority_.fingerprint(), now_unix_s));
    VERGE_TRY(std::string signed_one,
              authority_.sign(request.request(),
                              {.node = invitation.node,
                               .hosts = invitation.hosts,
                               .from_unix_s = now_unix_s,
                               .until_unix_s = now_unix_s + invitation.certificate_life_s}));
    VERGE_TRY(const CertificateFacts facts, read_certificate(signed_one, invitation.node));
    VERGE_RETURN_IF_ERROR(book_.note_joined(token, facts));
    return signed_one;
  }

  const Authority& authority_;
  TokenBook& book_;
  const Clock& calendar_;
  const int node_port_;
};

// The server's own chain brings the authority that the token names.
Status check_join_server(const std::string& address, const std::string& host,
                         const JoinToken& token, int64_t now_unix_s, std::string_view chain,
                         std::string& authority) {
  VERGE_TRY(authority, find_by_fingerprint(chain, token.authority, address));
  VERGE_TRY(const CertificateFacts facts,
            verify_server(
                chain, {.authority = authority, .host = host, .node = "", .now_unix_s = now_unix_s},
                address));
  static_cast<void>(facts);
  return {};
}

}  // namespace

struct JoinService::State {
  State(const Authority& authority, TokenBook& book, const Clock& calendar, int node_port)
      : enrolment(authority, book, calendar, node_port) {}

  Enrolment enrolment;
  std::unique_ptr<grpc::Server> server;
  int port = 0;
};

JoinService::JoinService(std::unique_ptr<State> state) : state_(std::move(state)) {}

Result<std::unique_ptr<JoinService>> JoinService::start(const Credentials& own,
                                                        const Authority& authority, TokenBook& book,
                                                        const Clock& calendar,
                                                        const JoinServiceOptions& options) {
  VERGE_RETURN_IF_ERROR(own.check_valid(static_cast<int64_t>(calendar.seconds())));
  auto state = std::make_unique<State>(authority, book, calendar, options.node_port);
  grpc::ServerBuilder builder;
  grpc::ResourceQuota quota;
  quota.SetMaxThreads(kMostThreads);
  builder.SetResourceQuota(quota);
  builder.SetSyncServerOption(grpc::ServerBuilder::NUM_CQS, 1);
  builder.SetMaxReceiveMessageSize(kMostRequestBytes);
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder.AddChannelArgument(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, 10'000);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_IDLE_MS, 10'000);
  builder.RegisterService(&state->enrolment);
  const std::string address = Address{options.host, options.port}.text();
  builder.AddListeningPort(address, server_tls(own, ClientCertificate::None), &state->port);
  state->server = builder.BuildAndStart();
  if (!state->server || state->port == 0) {
    return make_error(Code::Io,
                      "cannot listen on {} for nodes that join; another program may have the port, "
                      "or the address is not of this machine: choose another one",
                      address);
  }
  return std::unique_ptr<JoinService>(new JoinService(std::move(state)));
}

JoinService::~JoinService() {
  state_->server->Shutdown(grpc_deadline(0));
}

int JoinService::port() const {
  return state_->port;
}

Result<Credentials> join(const std::string& address, const JoinToken& token, int64_t now_unix_s,
                         double timeout_s, int* node_port) {
  VERGE_TRY(const Address parsed, Address::parse(address));
  VERGE_TRY(const std::string target, target_of(parsed, timeout_s));
  VERGE_TRY(CertificateRequest own, make_request("joining"));
  // Written by the one handshake that the call waits for.
  const auto authority = std::make_shared<std::string>();
  const auto check = std::make_shared<ServerCheck>([=, host = parsed.host](std::string_view chain) {
    return check_join_server(address, host, token, now_unix_s, chain, *authority);
  });
  grpc::ChannelArguments arguments;
  set_client_arguments(arguments, {});
  const auto channel = grpc::CreateCustomChannel(target, client_tls(nullptr, check), arguments);
  grpc::ClientContext context;
  context.set_deadline(grpc_deadline(timeout_s));
  wire::EnrolRequest request;
  request.set_major(kWireMajor);
  request.set_minor(kWireMinor);
  request.set_token(token.text());
  request.set_request(own.request);
  wire::EnrolReply reply;
  const grpc::Status status = wire::Join::NewStub(channel)->Enrol(&context, request, &reply);
  if (const auto refusal = check->refusal()) return *refusal;
  if (!status.ok()) return error_of_dialling(status, address);
  if (node_port != nullptr) *node_port = static_cast<int>(reply.node_port());
  return Credentials::make(std::move(own.key), std::move(*reply.mutable_certificate()), *authority,
                           address);
}

}  // namespace verge::net
