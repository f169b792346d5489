#pragma once
// Admission: what every request that costs tokens passes on its way to the scheduler: the model it
// may use, and its part of its key's quota.
//
//   Admission admission(directory, gate, caller, request.model, problem);
//   if (!problem) admission.reserve(quota, problem);
//   scheduler.submit(admission.request(prompt), sink);     // settlement()(used) when it is over

#include <functional>
#include <memory>
#include <string>

#include <verge/stages/serve/api/access/gate.hpp>
#include <verge/stages/serve/api/generation_request.hpp>
#include <verge/stages/serve/api/model_directory.hpp>
#include <verge/stages/serve/scheduler/request.hpp>

namespace verge::serve::api {

class Admission {
 public:
  /// Opens the model that `name` says, or the only one there is, which is named then. Reports what
  /// is wrong with it. The directory and the gate outlive this and what it hands out.
  Admission(ModelDirectory& directory, Gate& gate, const Caller& caller, std::string& name,
            Problem& problem);

  /// Null after a problem.
  const std::shared_ptr<const ModelEntry>& model() const { return model_; }
  /// Takes the tokens from the quota; reports where there are too few.
  void reserve(const QuotaRequest& quota, Problem& problem);
  const Quota::Decision& granted() const { return granted_; }
  /// To be called once, after reserve(): gives back what was not used.
  std::function<void(int64_t used_tokens)> settlement() const;
  /// The prompt as a request of this caller to this model.
  Request request(TokenIds prompt) const;

 private:
  Gate& gate_;
  Caller caller_;
  std::shared_ptr<const ModelEntry> model_;
  std::string adapter_;
  Quota::Decision granted_;
};

}  // namespace verge::serve::api
