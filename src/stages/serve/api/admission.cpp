#include <verge/stages/serve/api/admission.hpp>

namespace verge::serve::api {

Admission::Admission(ModelDirectory& directory, Gate& gate, const Caller& caller, std::string& name,
                     Problem& problem)
    : gate_(gate), caller_(caller) {
  name = directory.name_or_only(std::move(name), caller, problem);
  if (problem) return;
  model_ = directory.open(name, caller, problem);
  adapter_ = directory.adapter_of(name);
}

void Admission::reserve(const QuotaRequest& quota, Problem& problem) {
  granted_ = gate_.enter(caller_, quota, problem);
}

std::function<void(int64_t)> Admission::settlement() const {
  return [&gate = gate_, caller = caller_, granted = granted_](int64_t used_tokens) {
    gate.leave(caller, granted, used_tokens);
  };
}

Request Admission::request(TokenIds prompt) const {
  return {.model = model_->face->name,
          .adapter = adapter_,
          .prompt = std::move(prompt),
          .tenant = caller_.tenant,
          .priority = caller_.priority};
}

}  // namespace verge::serve::api
