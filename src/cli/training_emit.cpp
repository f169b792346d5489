#include <verge/cli/training_emit.hpp>
#include <verge/engine/emit/c_training_program.hpp>
#include <verge/stages/fit/tune/training_source.hpp>

namespace verge::cli {

Status emit_training(const EmitOptions& options, const fit::BaseModel& base,
                     const fit::TrainingPlan& plan, const std::string& output, Context& context) {
  VERGE_TRY(const std::string name, source_name(options, output));
  VERGE_TRY(const emit::CSource source, fit::training_source(base, plan, name));
  const bool is_sgd = plan.settings.optimizer.kind == graph::OptimizerKind::Sgd;
  return write_source(options,
                      {source, name, emit::c_training_program(name, {.rate = is_sgd ? 1e-2 : 1e-3}),
                       plan.step.graph.nodes.size()},
                      output, context);
}

}  // namespace verge::cli
