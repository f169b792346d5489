#include <verge/engine/runtime/step.hpp>
#include <verge/stages/serve/speculation/exit_proposer.hpp>
#include <verge/stages/serve/speculation/tree_growth.hpp>

namespace verge::serve {
namespace {

// Takes back, in any case, what drafts have added to their sequences.
class Undo {
 public:
  explicit Undo(std::span<DraftJob> jobs) : jobs_(jobs) {
    for (const DraftJob& job : jobs) lengths_.push_back(job.sequence->length());
  }
  Undo(const Undo&) = delete;
  Undo& operator=(const Undo&) = delete;
  ~Undo() {
    for (size_t i = 0; i < jobs_.size(); ++i) jobs_[i].sequence->truncate(lengths_[i]);
  }

 private:
  std::span<DraftJob> jobs_;
  std::vector<int64_t> lengths_;
};

}  // namespace

Result<std::unique_ptr<ExitProposer>> ExitProposer::create(model::LanguageModel& model,
                                                           int64_t layers) {
  VERGE_TRY(runtime::LayerPlans * plans, model.prepare_exit(layers));
  return std::unique_ptr<ExitProposer>(new ExitProposer(*plans));
}

Status ExitProposer::prepare(runtime::Sequence&, const std::atomic<bool>*) {
  return {};
}

Result<Draft> ExitProposer::propose(runtime::Sequence& sequence, int32_t newest, int64_t most,
                                    DraftSampler& sampler, const std::atomic<bool>* cancel) {
  DraftJob job{this, &sequence, newest, most, &sampler};
  VERGE_RETURN_IF_ERROR(propose_all({&job, 1}, cancel));
  return std::move(job.draft);
}

Result<DraftTree> ExitProposer::propose_tree(runtime::Sequence& sequence, int32_t newest,
                                             const TreeShape& shape, DraftSampler& sampler,
                                             const std::atomic<bool>* cancel) {
  DraftJob job{this, &sequence, newest, 0, &sampler};
  const Undo undo({&job, 1});
  const auto run = [&](std::span<const runtime::StepItem> items) {
    return runtime::run_layers(layers_, sequence.decoder(), items, cancel);
  };
  const runtime::StepItem first{&sequence, {&newest, 1}};
  const Status status = run({&first, 1});
  if (status) return grow_tree(sequence, shape, sampler, run);
  if (status.error().code == Code::Cancelled) return status.error();
  return DraftTree();
}

Status ExitProposer::propose_all(std::span<DraftJob> jobs, const std::atomic<bool>* cancel) {
  const Undo undo(jobs);
  std::vector<DraftJob*> going_on;
  for (DraftJob& job : jobs) {
    if (!job.is_full()) going_on.push_back(&job);
  }
  while (!going_on.empty()) {
    runtime::Decoder& decoder = going_on[0]->sequence->decoder();
    std::vector<runtime::StepItem> items;
    for (const DraftJob* job : going_on) items.push_back({job->sequence, {&job->last(), 1}});
    const Status status = runtime::run_layers(layers_, decoder, items, cancel);
    if (!status) return status.error().code == Code::Cancelled ? status : Status();
    extend_drafts(going_on, decoder);
  }
  return {};
}

}  // namespace verge::serve
