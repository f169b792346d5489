#include <verge/cli/command.hpp>
#include <verge/cli/json.hpp>
#include <verge/cli/model_store.hpp>
#include <verge/cli/parser.hpp>
#include <verge/core/units.hpp>
#include <verge/stages/data/model_library/model_library.hpp>

namespace verge::cli::commands {
namespace {

void print_text(const store::Artifact& model, const std::string& path, std::ostream& out) {
  const data::ModelFacts facts = data::facts_from_json(model.facts);
  out << fmt::format("{}: {}, {} parameters, {}, context {}, {}\n", model.name, facts.architecture,
                     show_count(facts.parameters), facts.type, facts.context, facts.format);
  out << fmt::format("sha256    {}\n", model.digest);
  out << fmt::format("size      {} ({} bytes)\n", show_bytes(model.bytes), model.bytes);
  out << fmt::format("path      {}\n", path);
  for (const store::Origin& origin : model.origins) {
    out << fmt::format("{:<9} {}\n", origin.relation, origin.source);
  }
  for (const store::StoredFile& file : model.files) {
    if (file.name.empty()) continue;
    out << fmt::format("file      {}  {:>10}  {}\n", file.blob.digest, show_bytes(file.blob.bytes),
                       file.name);
  }
}

void print_json(const store::Artifact& model, const std::string& path, std::ostream& out) {
  Json files = Json::array(), origins = Json::array();
  for (const store::StoredFile& file : model.files) {
    files.push_back(
        {{"name", file.name}, {"sha256", file.blob.digest}, {"bytes", file.blob.bytes}});
  }
  for (const store::Origin& origin : model.origins) {
    origins.push_back({{"relation", origin.relation}, {"source", origin.source}});
  }
  print_json_line({{"name", model.name},
                   {"sha256", model.digest},
                   {"bytes", model.bytes},
                   {"created_s", model.created_s},
                   {"path", path},
                   {"facts", Json::parse(model.facts, nullptr, false)},
                   {"files", files},
                   {"origins", origins}},
                  out);
}

Status execute(const std::string& name, Context& context) {
  VERGE_TRY(const store::Store store, open_store());
  VERGE_TRY(const store::Artifact model, store.find(data::kModel, name));
  VERGE_TRY(const std::string path, store.path(model));
  if (context.json) {
    print_json(model, path, context.out);
  } else {
    print_text(model, path, context.out);
  }
  return {};
}

Action declare(Parser& parser, Context& context) {
  auto name = std::make_shared<std::string>();
  parser.add_option("NAME", *name, "A stored model").required();
  return [name, &context] { return execute(*name, context); };
}

}  // namespace

Command model_inspect() {
  return {"model inspect", "Everyday", "Show what the store knows of a model",
          "  verge model inspect qwen\n"
          "  verge inspect qwen         # what the file holds",
          declare};
}

}  // namespace verge::cli::commands
