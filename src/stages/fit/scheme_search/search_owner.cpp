#include <fmt/format.h>

#include <verge/stages/fit/scheme_search/search_owner.hpp>

namespace verge::fit {
namespace {

std::string describe(const std::vector<onnx::InputBinding>& inputs) {
  std::string text;
  for (const onnx::InputBinding& input : inputs) {
    text += fmt::format(" input \"{}\" {}", input.name, input.shape.str());
    if (input.value) text += fmt::format(" = {}", *input.value);
  }
  return text;
}

}  // namespace

std::string owner_of_model(std::string_view model_hash) {
  return fmt::format("model {} ", model_hash);
}

std::string owner_of_search(std::string_view model_hash, std::string_view task_checksum,
                            const SearchOptions& options) {
  const BaseShape& shape = options.plan.shape;
  return fmt::format(
      "{}task {} of {} images, {} held out, steps {} lr {} batch {} tokens {}{} output \"{}\" loss "
      "{} optimizer {} seed {}{}",
      owner_of_model(model_hash), task_checksum, options.data.training_images,
      options.data.held_out, options.steps, options.learning_rate, shape.batch, shape.tokens,
      describe(shape.inputs), shape.output, shape.squared_error ? "mse" : "ce",
      graph::describe(options.plan.optimizer), options.plan.seed,
      options.has_new_head ? " new head" : "");
}

}  // namespace verge::fit
