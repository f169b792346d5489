#include <filesystem>
#include <map>

#include <verge/stages/fit/tune/training_source.hpp>
#include <verge/stages/fit/tune/tuning_run.hpp>

namespace verge::fit {
namespace {

Status expect_kind(const BaseModel& base) {
  if (base.kind == BaseKind::Levels) {
    return make_error(Code::Unsupported,
                      "{}: a step in 8 bits has no C yet; leave --int8 out, or emit a plan",
                      base.path);
  }
  if (base.kind != BaseKind::LanguageModel) return {};
  return make_error(Code::Unsupported,
                    "{}: a language model's step has no C yet (attention and rotary embeddings "
                    "and their gradients); emit a plan",
                    base.path);
}

}  // namespace

std::vector<std::string> passes_without_training_c() {
  std::vector<std::string> passes = emit::passes_without_c();
  passes.push_back("fuse_batch_norm");
  return passes;
}

Result<emit::CSource> training_source(const BaseModel& base, const TrainingPlan& plan,
                                      const std::string& name) {
  VERGE_RETURN_IF_ERROR(expect_kind(base));
  std::map<std::string, runtime::InitialTensor, std::less<>> parameters;
  for (const graph::Value& value : plan.step.graph.values) {
    if (value.kind != graph::ValueKind::Param) continue;
    VERGE_TRY(parameters[value.name],
              initial_weight(base, plan.step.graph, value.name, {.seed = plan.settings.seed}));
  }
  const auto values = [&](std::string_view wanted) -> std::optional<TensorView> {
    const auto at = parameters.find(wanted);
    if (at == parameters.end()) return std::nullopt;
    return at->second.view;
  };
  return emit::emit_c(
      plan.step.graph, values,
      {.name = name,
       .origin = std::filesystem::path(base.path).filename().string() + ", to be fine-tuned",
       .verb = "step"});
}

}  // namespace verge::fit
