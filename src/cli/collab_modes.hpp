#pragma once
// One device of a split model and its cloud, answering one prompt in any of the modes.

#include <verge/cli/collab_model.hpp>
#include <verge/cli/collab_run.hpp>
#include <verge/cli/exit_policy.hpp>

namespace verge::cli {

struct CollabOutcome {
  serve::CollabMode mode = serve::CollabMode::Collab;
  std::vector<serve::CollabToken> tokens;
  std::string text;
  double seconds = 0;  // from the prompt to the last token
  serve::CollabMetrics metrics;

  std::vector<int32_t> ids() const;
};

class CollabModes {
 public:
  /// Hears of each piece of text when it comes, and of where its token was made; false ends it.
  using Show = std::function<bool(serve::TokenPlace place, const std::string& text)>;

  /// All must outlive it. Fails as NodeHome::credentials where there is a
  /// cloud, and as read_policy and check_policy.
  static Result<CollabModes> create(const CollabRunOptions& options, const CollabPrompt& prompt,
                                    const CollabModel& device, const Clock& clock,
                                    std::ostream& err);

  /// A new link and a new session each time.
  Result<CollabOutcome> run(serve::CollabMode mode, const Show& show) const;

 private:
  CollabModes(const CollabRunOptions& options, const CollabPrompt& prompt,
              const CollabModel& device, const Clock& clock, std::ostream& err)
      : options_(options), prompt_(prompt), device_(device), clock_(clock), err_(err) {}

  std::unique_ptr<serve::CloudLink> connect(const char* service) const;
  Result<CollabOutcome> run_cloud(const Show& show) const;
  Result<CollabOutcome> run_device(serve::CollabMode mode, const Show& show) const;
  template <typename Next>
  Result<CollabOutcome> answer(double begin_s, Next next, const Show& show) const;
  int64_t room() const;

  const CollabRunOptions& options_;
  const CollabPrompt& prompt_;
  const CollabModel& device_;
  const Clock& clock_;
  std::ostream& err_;
  std::optional<net::Credentials> own_;
  std::optional<net::LinkTrace> trace_;
  std::optional<ExitPolicy> policy_;
  std::vector<int32_t> tokens_;  // of the prompt
};

}  // namespace verge::cli
