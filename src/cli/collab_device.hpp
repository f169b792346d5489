#pragma once
// What `verge run`, `verge chat` and `verge serve` share with --cloud: how this machine's share of
// a split model asks the node that has the rest.

#include <array>
#include <atomic>
#include <memory>
#include <optional>
#include <ostream>
#include <string>

#include <verge/cli/collab_model.hpp>
#include <verge/cli/emulated_link.hpp>
#include <verge/cli/emulated_speed.hpp>
#include <verge/cli/exit_policy.hpp>
#include <verge/cli/node_home.hpp>
#include <verge/cli/options.hpp>
#include <verge/core/clock.hpp>
#include <verge/stages/serve/collab/edge_driver.hpp>

namespace verge::cli {

struct CollabOptions {
  std::string cloud;
  std::string mode;
  NodeHome home;
  EmulatedLinkOptions link;
  EmulatedSpeedOptions speed;
  std::string codec;  // empty: the policy's, else f16
  std::string late_codec;
  double noise = 0;
  std::string session;  // empty: a new one each time
  bool audit = false;
  double theta1 = 0.9;
  double theta2 = 0.9;
  std::string policy;  // a file of `verge fit exits`, in place of the thresholds
  double deadline_s = 10;

  void declare(Parser& parser);
  /// All but --mode.
  void declare_device(Parser& parser);
  /// --cloud or --mode was given.
  bool is_wanted() const { return !cloud.empty() || !mode.empty(); }
  /// Collab where none was given. InvalidArgument without the --cloud that it needs.
  Result<serve::CollabMode> mode_or_default() const;
};

/// Tokens that wait for the second exit; a model is loaded to run so many at once.
inline constexpr int64_t kMostPending = 32;

/// The device's layers, with room for all tokens that may wait for the second exit.
Result<CollabModel> load_device(const CollabOptions& options, const ModelOptions& model,
                                ThreadPool& pool);

/// Any thread.
class CollabDevice {
 public:
  /// Reads what the options name. Fails as NodeHome::credentials where there is a cloud, as
  /// read_policy, and as EmulatedLinkOptions::read.
  static Result<std::unique_ptr<CollabDevice>> create(const CollabOptions& options);

  /// Fails as check_policy.
  Status check(const serve::SplitIdentity& split) const;
  /// As of options and policy; sampling is the caller's.
  serve::EdgeOptions edge_options(serve::CollabMode mode) const;
  /// A link with a session of its own. It connects by itself; this must outlive it.
  std::unique_ptr<serve::CloudLink> connect(const serve::SplitIdentity& split,
                                            const runtime::Decoder& decoder,
                                            const char* service) const;
  /// The same, once it is up, with the session that the options name if they do; says on `err` why
  /// it is not within a few seconds.
  std::unique_ptr<serve::CloudLink> connect(const CollabModel& model, const char* service,
                                            std::ostream& err) const;

 private:
  std::string codec() const;
  std::unique_ptr<serve::CloudLink> connect(const serve::SplitIdentity& split,
                                            const runtime::Decoder& decoder, const char* service,
                                            const std::string& session) const;

  explicit CollabDevice(CollabOptions options) : options_(std::move(options)) {}

  const CollabOptions options_;
  const SystemClock clock_;
  std::optional<net::LinkTrace> trace_;
  std::optional<ExitPolicy> policy_;
};

/// Green where the device was sure, yellow from the cloud, red where it could not be asked: for a
/// terminal.
std::string_view colour_of(serve::TokenPlace place);

}  // namespace verge::cli
