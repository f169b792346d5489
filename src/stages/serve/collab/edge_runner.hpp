#pragma once
// EdgeRunner: the scheduler's requests answered by a device's share of a split model, by turns, a
// token of each (scheduler/task_runner.hpp); who waits for the server holds no other up. Whatever
// becomes of the link, answers go on; each token says where it was made.
//
//   ServedModel served{.name = "verge-lm", .path = "edge.gguf"};
//   served.runner = std::make_shared<EdgeRunnerKind>(setup, EdgeRunnerOptions{});

#include <verge/stages/serve/collab/edge_sessions.hpp>
#include <verge/stages/serve/scheduler/task_runner.hpp>

namespace verge::serve {

struct EdgeRunnerOptions {
  int64_t max_running = 4;  // answers at once
  size_t max_idle = 8;      // conversations that are kept to go on from, each with its link
  double ageing_s = 5;      // as SchedulerOptions
  double first_link_s = 1;  // that a new link has to come up before its answer begins without it
};

/// What is known of device and server once the model is there.
struct EdgeSetup {
  EdgeOptions edge = {};  // sampling and deadline are those of each request
  EdgeLinks::Make link = {};
};

/// For ServedModel::runner; load.layers are the device's, and load.max_sequences at least
/// EdgeOptions::max_pending.
class EdgeRunnerKind : public RunnerKind {
 public:
  using Setup = std::function<Result<EdgeSetup>(model::LanguageModel&, const SplitIdentity&)>;

  explicit EdgeRunnerKind(Setup setup, EdgeRunnerOptions options = {})
      : setup_(std::move(setup)), options_(options) {}

  /// Refuses what needs the whole model, or the text before, in one place: grammars and tools,
  /// log-probabilities, vectors, penalties, mirostat, logit_bias, least lengths.
  Status check(const Request& request) const override;
  /// Fails as split_identity and the setup. What EdgeDriver::create refuses ends each request.
  Result<std::unique_ptr<TaskRunner>> make(
      LoadedModel& loaded, const Clock& clock,
      const std::function<void(const Error&)>& warn) const override;

 private:
  const Setup setup_;
  const EdgeRunnerOptions options_;
};

class EdgeRunner : public TaskRunner {
 public:
  EdgeRunner(model::LanguageModel& model, SplitIdentity split, EdgeSetup setup, const Clock& clock,
             EdgeRunnerOptions options, std::function<void(const Error&)> warn);

  bool step(Tasks& tasks, const StepContext& context) override;
  void describe(ModelSnapshot& snapshot) const override;
  Status keep_prompts(const std::string&, int64_t) override { return {}; }
  Status fetch_prompts(const std::string&) override;

 private:
  struct Running {
    std::unique_ptr<EdgeSession> session;
    int64_t most_tokens = 0;  // that it may come to hold
    bool has_prompt = false;  // run
  };
  void put_ended(const Tasks& tasks);
  bool admit(Tasks& tasks, const StepContext& context);
  Task* next(Tasks& tasks, const StepContext& context) const;
  Result<std::unique_ptr<EdgeSession>> begin_session(const Task& task);
  enum class Turn { Worked, Waits, Connects };
  void count_step();
  bool give_turns(const Tasks& tasks, const StepContext& context);
  Turn advance(Task& task, Running& running, double wait_s, const StepContext& context);
  Status run_prompt(Task& task, Running& running, const StepContext& context);
  Status take(const CollabToken& token, Task& task, Running& running, const StepContext& context);
  int64_t most_tokens(const Task& task) const;
  int64_t committed_pages() const;
  void note_link();

  model::LanguageModel& model_;
  const runtime::Decoder& decoder_;
  const SplitIdentity split_;
  const EdgeSetup setup_;
  const Clock& clock_;
  const EdgeRunnerOptions options_;
  const std::function<void(const Error&)> warn_;
  EdgeLinks links_;
  EdgeSessions idle_;
  std::map<RequestId, Running> running_;
  std::map<int, double> admitted_s_;  // by priority
  bool is_without_ = false;           // the server, as was said last
  ModelSnapshot counters_;
};

}  // namespace verge::serve
