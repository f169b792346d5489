#include <verge/cli/command.hpp>
#include <verge/cli/json.hpp>
#include <verge/cli/model_store.hpp>
#include <verge/cli/parser.hpp>
#include <verge/core/units.hpp>
#include <verge/stages/data/model_library/model_library.hpp>

namespace verge::cli::commands {
namespace {

void print_text(const std::vector<store::Artifact>& models, std::ostream& out) {
  size_t width = 4;
  for (const store::Artifact& model : models) width = std::max(width, model.name.size());
  out << fmt::format("{:<{}}  {:<14} {:>10}  {:<8} {:>8} {:>10}\n", "name", width, "architecture",
                     "parameters", "type", "context", "size");
  for (const store::Artifact& model : models) {
    const data::ModelFacts facts = data::facts_from_json(model.facts);
    out << fmt::format("{:<{}}  {:<14} {:>10}  {:<8} {:>8} {:>10}\n", model.name, width,
                       facts.architecture, show_count(facts.parameters), facts.type, facts.context,
                       show_bytes(model.bytes));
  }
}

Json to_json(const store::Artifact& model) {
  const data::ModelFacts facts = data::facts_from_json(model.facts);
  return {{"name", model.name},
          {"architecture", facts.architecture},
          {"parameters", facts.parameters},
          {"type", facts.type},
          {"context", facts.context},
          {"format", facts.format},
          {"bytes", model.bytes},
          {"sha256", model.digest},
          {"created_s", model.created_s}};
}

Status execute(bool only_names, Context& context) {
  VERGE_TRY(const store::Store store, open_store());
  VERGE_TRY(const store::Listing all, store.list(data::kModel));
  const std::vector<store::Artifact>& models = all.sound;
  for (const Error& error : all.damaged) {
    if (!context.json && !only_names) context.err << error.message << "\n";
  }
  if (only_names) {
    for (const store::Artifact& model : models) context.out << model.name << "\n";
  } else if (context.json) {
    Json list = Json::array(), damaged = Json::array();
    for (const store::Artifact& model : models) list.push_back(to_json(model));
    for (const Error& error : all.damaged) damaged.push_back(error.message);
    print_json_line({{"root", store.root()}, {"models", list}, {"damaged", damaged}}, context.out);
  } else if (models.empty()) {
    context.out << "no models in " << store.root() << "; verge model import FILE adds one\n";
  } else {
    print_text(models, context.out);
  }
  return {};
}

Action declare(Parser& parser, Context& context) {
  auto only_names = std::make_shared<bool>(false);
  parser.add_flag("--names", *only_names, "Only the names, one a line");
  return [only_names, &context] { return execute(*only_names, context); };
}

}  // namespace

Command model_list() {
  return {"model list", "Everyday", "List the stored models",
          "  verge model list\n"
          "  verge model list --json",
          declare};
}

}  // namespace verge::cli::commands
