#pragma once
// One device of a split model and its cloud, answering one prompt in any of the modes.

#include <verge/cli/collab_model.hpp>
#include <verge/cli/collab_run.hpp>

namespace verge::cli {

struct CollabOutcome {
  serve::CollabMode mode = serve::CollabMode::Collab;
  std::vector<serve::CollabToken> tokens;
  std::string text;
  double seconds = 0;                // from the prompt to the last token
  std::vector<double> token_s = {};  // from the prompt to each token
  int64_t recovered = 0;             // tokens that a run before this one had given out
  serve::CollabMetrics metrics;
  /// Of this machine's processors, all that they did; nothing where they are not metered.
  std::optional<double> energy_j;

  std::vector<int32_t> ids() const;
};

class CollabModes {
 public:
  /// Hears of each piece of text when it comes, and of where its token was made; false ends it.
  using Show = std::function<bool(serve::TokenPlace place, const std::string& text)>;

  /// All must outlive it. Fails as CollabDevice::create and CollabDevice::check.
  static Result<CollabModes> create(const CollabOptions& options, const CollabPrompt& prompt,
                                    const CollabModel& device, const Clock& clock,
                                    std::ostream& err);

  /// A new link and a new session each time.
  Result<CollabOutcome> run(serve::CollabMode mode, const Show& show) const;

 private:
  CollabModes(const CollabOptions& options, const CollabPrompt& prompt, const CollabModel& device,
              const Clock& clock, std::ostream& err)
      : options_(options), prompt_(prompt), device_(device), clock_(clock), err_(err) {}

  Result<CollabOutcome> run_cloud(const Show& show) const;
  Result<CollabOutcome> run_device(serve::CollabMode mode, const Show& show) const;
  using Link = std::unique_ptr<serve::CloudLink>;
  std::optional<serve::TokensMessage> recall(Link& link) const;
  template <typename Next>
  Result<CollabOutcome> answer(double begin_s, std::span<const int32_t> said, Next next,
                               const Show& show) const;
  int64_t room() const;

  const CollabOptions& options_;
  const CollabPrompt& prompt_;
  const CollabModel& device_;
  const Clock& clock_;
  std::ostream& err_;
  std::unique_ptr<CollabDevice> cloud_;
  std::vector<int32_t> tokens_;  // of the prompt
};

}  // namespace verge::cli
