#include <memory>
#include <stop_token>

#include <verge/cli/collab_device.hpp>
#include <verge/cli/model_store.hpp>
#include <verge/cli/unix_time.hpp>
#include <verge/platform/net/grpc/grpc_channel.hpp>

namespace verge::cli {
namespace {

using serve::CollabMode;
using serve::TokenPlace;

constexpr double kFirstLinkS = 5;  // to wait for the cloud before the first token
constexpr double kLingerS = 0.5;   // for its last words to leave

// The server tells sessions apart by it.
std::string session_name() {
  static std::atomic<int> count = 0;
  return fmt::format("{:x}-{}", static_cast<int64_t>(CalendarClock().seconds() * 1e6), ++count);
}

}  // namespace

void CollabOptions::declare(Parser& parser) {
  parser
      .add_option("--mode", mode,
                  "Who makes the tokens that no exit is sure of (with --cloud: collab)")
      .one_of({"standalone", "collab", "auto", "naive", "cloud"})
      .group("With a cloud");
  declare_device(parser);
}

void CollabOptions::declare_device(Parser& parser) {
  const auto group = [](Option option) { option.group("With a cloud"); };
  group(parser.add_option("--cloud", cloud, "HOST:PORT of a node that has the upper layers"));
  group(parser.add_option("--theta1", theta1, "How sure the first exit must be; 1: never"));
  group(parser.add_option("--theta2", theta2, "How sure the second exit must be; 1: never"));
  group(parser.add_option("--policy", policy,
                          "Thresholds and temperatures that `verge fit exits` found"));
  group(parser.add_option("--codec", codec, "How hidden states travel (f16, or the policy's)")
            .one_of({"f32", "f16", "int8", "int4", "int4h"}));
  group(parser
            .add_option("--codec-when-late", late_codec,
                        "How they travel while more of them wait than will have left in time; the "
                        "answer then depends on the link")
            .one_of({"int8", "int4", "int4h"}));
  group(parser.add_option("--noise", noise,
                          "Noise on hidden states before they leave, as a share of their size; 0: "
                          "none"));
  group(parser.add_option("--deadline", deadline_s, "Seconds to wait for one token of the cloud"));
  link.declare(parser);
  speed.declare(parser);
  home.declare(parser);
}

Result<CollabMode> CollabOptions::mode_or_default() const {
  const CollabMode wanted = mode.empty() ? CollabMode::Collab : *serve::collab_mode(mode);
  if (!cloud.empty() || wanted == CollabMode::Standalone) return wanted;
  return make_error(Code::InvalidArgument, "--mode {} needs --cloud HOST:PORT",
                    serve::name(wanted));
}

Result<CollabModel> load_device(const CollabOptions& options, const ModelOptions& model,
                                ThreadPool& pool) {
  VERGE_TRY(model::LoadOptions load, device_load_options(model, kMostPending));
  VERGE_TRY(load.slowdown, options.speed.read());
  VERGE_TRY(const std::string path, model_path(model.model));
  return load_collab(path, CollabEnd::Device, load, pool);
}

Result<std::unique_ptr<CollabDevice>> CollabDevice::create(const CollabOptions& options) {
  std::unique_ptr<CollabDevice> device(new CollabDevice(options));
  VERGE_TRY(device->trace_, options.link.read());
  if (!options.cloud.empty()) {
    VERGE_RETURN_IF_ERROR(options.home.credentials());
  }
  if (!options.policy.empty()) {
    VERGE_TRY(device->policy_, read_policy(options.policy));
  }
  return device;
}

Status CollabDevice::check(const serve::SplitIdentity& split) const {
  if (!policy_) return {};
  return check_policy(*policy_, options_.policy, split.model_hash, {split.exit1, split.exit2});
}

std::string CollabDevice::codec() const {
  if (!options_.codec.empty()) return options_.codec;
  return policy_ ? policy_->codec : "f16";
}

serve::EdgeOptions CollabDevice::edge_options(CollabMode mode) const {
  serve::EdgeOptions edge;
  edge.policy.mode = mode;
  edge.policy.theta1 = options_.theta1;
  edge.policy.theta2 = options_.theta2;
  if (policy_) {
    edge.policy.theta1 = policy_->thetas[0];
    edge.policy.theta2 = policy_->thetas[1];
    edge.temperatures = policy_->temperatures;
    edge.measure = policy_->measure;
  }
  edge.policy.token_deadline_s = options_.deadline_s;
  edge.codec = codec();
  edge.noise = options_.noise;
  edge.late_codec = options_.late_codec;
  edge.audit = options_.audit;
  return edge;
}

std::unique_ptr<serve::CloudLink> CollabDevice::connect(const serve::SplitIdentity& split,
                                                        const runtime::Decoder& decoder,
                                                        const char* service) const {
  return connect(split, decoder, service, "");
}

// `session`: as the user names it; empty: another one each time.
std::unique_ptr<serve::CloudLink> CollabDevice::connect(const serve::SplitIdentity& split,
                                                        const runtime::Decoder& decoder,
                                                        const char* service,
                                                        const std::string& session) const {
  const auto stop = std::make_shared<std::stop_source>();
  const auto dial = [this, service, stop]() -> Result<std::unique_ptr<Channel>> {
    // Read anew: they are renewed while a server runs.
    VERGE_TRY(const net::Credentials own, options_.home.credentials());
    VERGE_TRY(auto channel, net::dial(options_.cloud, own, unix_time_s(),
                                      {.service = service,
                                       .stop = stop->get_token(),
                                       .limits = {.linger_s = kLingerS}}));
    return shape(std::move(channel), trace_, clock_);
  };
  std::vector<std::string> codecs = {codec()};
  if (!options_.late_codec.empty()) codecs.push_back(options_.late_codec);
  return std::make_unique<serve::CloudLink>(
      dial,
      serve::HelloMessage{.split = split,
                          .codecs = codecs,
                          .session = session.empty() ? session_name() : session,
                          .wants_tokens = !session.empty()},
      serve::CollabLimits{.width = split.width, .vocab = decoder.vocab, .context = decoder.context},
      serve::CloudLinkOptions{.on_end = [stop] { stop->request_stop(); }});
}

std::unique_ptr<serve::CloudLink> CollabDevice::connect(const CollabModel& model,
                                                        const char* service,
                                                        std::ostream& err) const {
  auto link = connect(model.split, model.model->decoder(), service, options_.session);
  link->wait(kFirstLinkS);
  if (!link->is_up()) {
    const Status status = link->status();
    err << fmt::format("without the cloud: {}\n",
                       status ? "it does not answer yet" : status.error().message);
  }
  return link;
}

std::string_view colour_of(TokenPlace place) {
  switch (place) {
    case TokenPlace::Exit1:
      return "\x1b[32m";
    case TokenPlace::Exit2:
      return "\x1b[36m";
    case TokenPlace::Cloud:
      return "\x1b[33m";
    case TokenPlace::Degraded:
      return "\x1b[31m";
  }
  return "";
}

}  // namespace verge::cli
