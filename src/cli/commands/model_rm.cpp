#include <iostream>

#include <unistd.h>

#include <verge/cli/command.hpp>
#include <verge/cli/json.hpp>
#include <verge/cli/model_store.hpp>
#include <verge/cli/parser.hpp>
#include <verge/core/units.hpp>
#include <verge/stages/data/model_library/model_library.hpp>

namespace verge::cli::commands {
namespace {

struct Options {
  std::vector<std::string> names;
  bool yes = false;
};

struct Entry {
  std::string name, size;
};

// A damaged entry is one to remove.
Result<Entry> find(const store::Store& store, const std::string& name) {
  const Result<store::Artifact> model = store.find(data::kModel, name);
  if (model) return Entry{name, show_bytes(model->bytes)};
  if (model.error().code == Code::Malformed) return Entry{name, "damaged"};
  return model.error();
}

// A person is asked; a script has made up its mind.
bool agrees(const Entry& entry, const Options& options, std::ostream& err) {
  if (options.yes || ::isatty(STDIN_FILENO) == 0) return true;
  err << fmt::format("remove {} ({})? [y/N] ", entry.name, entry.size) << std::flush;
  std::string answer;
  std::getline(std::cin, answer);
  return answer == "y" || answer == "Y" || answer == "yes";
}

Status execute(const Options& options, Context& context) {
  VERGE_TRY(store::Store store, open_store());
  std::vector<Entry> entries;
  for (const std::string& name : options.names) {  // all or none of a list with a typo
    VERGE_TRY(Entry entry, find(store, name));
    entries.push_back(std::move(entry));
  }
  Json removed = Json::array();
  int64_t freed = 0;
  for (const Entry& entry : entries) {
    if (!agrees(entry, options, context.err)) continue;
    VERGE_TRY(const int64_t bytes, store.remove(data::kModel, entry.name));
    freed += bytes;
    removed.push_back(entry.name);
    if (context.json) continue;
    context.out << fmt::format("removed {}, {} freed\n", entry.name, show_bytes(bytes));
  }
  if (context.json) {
    print_json_line({{"removed", removed}, {"freed_bytes", freed}}, context.out);
  }
  return {};
}

Action declare(Parser& parser, Context& context) {
  auto options = std::make_shared<Options>();
  parser.add_option("NAME", options->names, "Stored models").required();
  parser.add_flag("-y,--yes", options->yes, "Do not ask");
  return [options, &context] { return execute(*options, context); };
}

}  // namespace

Command model_rm() {
  return {"model rm", "Everyday", "Remove models from the store",
          "  verge model rm qwen\n"
          "  verge model rm qwen llama --yes",
          declare};
}

}  // namespace verge::cli::commands
