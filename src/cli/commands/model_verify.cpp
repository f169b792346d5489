#include <verge/cli/command.hpp>
#include <verge/cli/interrupt.hpp>
#include <verge/cli/json.hpp>
#include <verge/cli/model_store.hpp>
#include <verge/cli/parser.hpp>
#include <verge/cli/progress.hpp>
#include <verge/core/clock.hpp>
#include <verge/stages/data/model_library/model_library.hpp>

namespace verge::cli::commands {
namespace {

using Names = std::vector<std::string>;

Result<store::Listing> chosen(const store::Store& store, const Names& names) {
  if (names.empty()) return store.list(data::kModel);
  store::Listing models;
  for (const std::string& name : names) {
    VERGE_TRY(store::Artifact model, store.find(data::kModel, name));
    models.sound.push_back(std::move(model));
  }
  return models;
}

Status execute(const Names& names, Context& context) {
  const SystemClock clock;
  VERGE_TRY(const store::Store store, open_store());
  VERGE_TRY(const store::Listing models, chosen(store, names));
  Json results = Json::array();
  size_t bad = models.damaged.size();
  for (const Error& error : models.damaged) {
    results.push_back({{"sound", false}, {"error", error.message}});
    if (!context.json) context.out << error.message << "\n";
  }
  for (const store::Artifact& model : models.sound) {
    Progress progress(context, clock);
    const Status status =
        store.verify(model, {byte_progress(progress, clock), &catch_interrupts()});
    progress.clear();
    if (!status && status.error().code == Code::Cancelled) return status;
    bad += status ? 0 : 1;
    results.push_back({{"name", model.name}, {"sound", status.ok()}});
    if (!status) results.back()["error"] = status.error().message;
    if (context.json) continue;
    context.out << (status ? model.name + ": sound" : status.error().message) << "\n";
  }
  if (context.json) print_json_line({{"models", results}}, context.out);
  if (bad == 0) return {};
  return make_error(Code::Malformed, "{} of {} models are damaged", bad,
                    models.sound.size() + models.damaged.size());
}

Action declare(Parser& parser, Context& context) {
  auto names = std::make_shared<Names>();
  parser.add_option("NAME", *names, "Stored models; all by default");
  return [names, &context] { return execute(*names, context); };
}

}  // namespace

Command model_verify() {
  return {"model verify", "Everyday", "Read stored models again and compare their SHA-256",
          "  verge model verify\n"
          "  verge model verify qwen",
          declare};
}

}  // namespace verge::cli::commands
