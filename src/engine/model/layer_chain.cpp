#include <verge/engine/model/layer_chain.hpp>

namespace verge::model {

Result<LayerChain> LayerChain::create(LanguageModel& model, std::span<const int64_t> cuts,
                                      bool to_end) {
  LayerChain chain(model.decoder());
  const int64_t layers = model.config().layers;
  std::vector<int64_t> ends(cuts.begin(), cuts.end());
  if (to_end) ends.push_back(layers);
  int64_t from = 0;
  for (const int64_t end : ends) {
    VERGE_TRY(runtime::LayerPlans * plans, model.prepare_layers({from, end}));
    chain.parts_.push_back({plans, model.config().has_head(end), end < layers});
    from = end;
  }
  return chain;
}

Result<ChainRows> LayerChain::run(std::span<const int32_t> tokens, int64_t outputs) {
  ChainRows rows;
  const int64_t from = sequence_.length();
  for (const Part& part : parts_) {
    runtime::StepItem item{.sequence = &sequence_,
                           .tokens = tokens,
                           .outputs = part.has_head ? outputs : 0,
                           .first = from};
    if (!rows.states.empty()) item.states = rows.states.back();
    VERGE_RETURN_IF_ERROR(runtime::run_layers(*part.plans, *decoder_, {&item, 1}));
    std::vector<float>& logits = rows.logits.emplace_back();
    for (int64_t row = 0; row < item.outputs; ++row) {
      const auto of_row = runtime::step_logits(*decoder_, row);
      logits.insert(logits.end(), of_row.begin(), of_row.end());
    }
    if (!part.has_states) continue;
    const auto states = runtime::step_states(*decoder_, 0, item.rows());
    rows.states.emplace_back(states.begin(), states.end());
  }
  return rows;
}

}  // namespace verge::model
