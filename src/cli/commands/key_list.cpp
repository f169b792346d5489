#include <fmt/ranges.h>

#include <verge/cli/command.hpp>
#include <verge/cli/json.hpp>
#include <verge/cli/parser.hpp>
#include <verge/stages/serve/api/access/key_file.hpp>

namespace verge::cli::commands {
namespace {

Json row(const serve::api::AccessKey& key) {
  return {{"id", key.id},
          {"tenant", key.tenant},
          {"priority", key.priority},
          {"models", key.models},
          {"requests_per_minute", key.limits.requests_per_minute},
          {"tokens_per_minute", key.limits.tokens_per_minute},
          {"tokens_per_day", key.limits.tokens_per_day},
          {"max_concurrent", key.limits.max_concurrent}};
}

std::string shown(int64_t limit) {
  return limit == 0 ? "-" : std::to_string(limit);
}

Status execute(const std::string& file, Context& context) {
  VERGE_TRY(const serve::api::KeyFile keys, serve::api::KeyFile::load(file));
  if (context.json) {
    Json rows = Json::array();
    for (const serve::api::AccessKey& key : keys.keys()) rows.push_back(row(key));
    print_json_line({{"keys", rows}}, context.out);
    return {};
  }
  constexpr auto kRow = "{:<10}{:<16}{:>8}  {:>8}{:>10}{:>12}{:>6}  {}\n";
  context.out << fmt::format(kRow, "id", "tenant", "priority", "req/min", "tok/min", "tok/day",
                             "open", "models");
  for (const serve::api::AccessKey& key : keys.keys()) {
    context.out << fmt::format(
        kRow, key.id, key.tenant, key.priority, shown(key.limits.requests_per_minute),
        shown(key.limits.tokens_per_minute), shown(key.limits.tokens_per_day),
        shown(key.limits.max_concurrent), fmt::join(key.models, ","));
  }
  return {};
}

Action declare(Parser& parser, Context& context) {
  auto file = std::make_shared<std::string>();
  parser.add_option("FILE", *file, "The key file").required();
  return [file, &context] { return execute(*file, context); };
}

}  // namespace

Command key_list() {
  return {"key list", "Everyday", "List the keys of a key file, without the keys",
          "  verge key list keys.json\n"
          "  verge key list keys.json --json",
          declare};
}

}  // namespace verge::cli::commands
