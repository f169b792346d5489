#include <algorithm>

#include <verge/engine/runtime/step.hpp>
#include <verge/stages/serve/speculation/proposer.hpp>

namespace verge::serve {

void extend_drafts(std::vector<DraftJob*>& jobs, const runtime::Decoder& decoder) {
  int64_t row = 0;
  std::erase_if(jobs, [&](DraftJob* job) {
    return !job->sampler->extend(job->draft, runtime::step_logits(decoder, row++)) ||
           job->is_full();
  });
}

Result<DraftTree> Proposer::propose_tree(runtime::Sequence& sequence, int32_t newest,
                                         const TreeShape& shape, DraftSampler& sampler,
                                         const std::atomic<bool>* cancel) {
  VERGE_TRY(const Draft draft,
            propose(sequence, newest, std::min(shape.nodes, shape.depth), sampler, cancel));
  DraftTree tree;
  int32_t last = kTreeRoot;
  for (const int32_t token : draft.tokens) last = tree.add(last, token, 1);
  return tree;
}

Status Proposer::propose_all(std::span<DraftJob> jobs, const std::atomic<bool>* cancel) {
  for (DraftJob& job : jobs) {
    VERGE_TRY(job.draft,
              job.proposer->propose(*job.sequence, job.newest, job.most, *job.sampler, cancel));
  }
  return {};
}

}  // namespace verge::serve
