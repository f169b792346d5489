#include <verge/stages/serve/speculation/proposer.hpp>

namespace verge::serve {

Status Proposer::propose_all(std::span<DraftJob> jobs, const std::atomic<bool>* cancel) {
  for (DraftJob& job : jobs) {
    VERGE_TRY(job.draft,
              job.proposer->propose(*job.sequence, job.newest, job.most, *job.sampler, cancel));
  }
  return {};
}

}  // namespace verge::serve
