#include <verge/cli/command.hpp>
#include <verge/cli/json.hpp>
#include <verge/cli/parser.hpp>
#include <verge/stages/serve/api/access/key_file.hpp>

namespace verge::cli::commands {
namespace {

struct Options {
  std::string file;
  serve::api::AccessKey key;
};

Status execute(const Options& options, Context& context) {
  std::string secret;
  serve::api::AccessKey added;
  VERGE_RETURN_IF_ERROR(
      serve::api::KeyFile::change(options.file, true, [&](serve::api::KeyFile& keys) -> Status {
        VERGE_TRY(secret, keys.add(options.key));
        added = keys.keys().back();
        return {};
      }));
  if (context.json) {
    print_json_line({{"id", added.id}, {"tenant", added.tenant}, {"key", secret}}, context.out);
    return {};
  }
  context.out << secret << "\n";
  if (!context.quiet) {
    context.err << fmt::format("key {} of tenant {}; it is shown this once, {} keeps its hash\n",
                               added.id, added.tenant, options.file);
  }
  return {};
}

Action declare(Parser& parser, Context& context) {
  auto options = std::make_shared<Options>();
  options->key.models.clear();
  serve::api::AccessLimits& limits = options->key.limits;
  parser.add_option("FILE", options->file, "The key file; made if it is not there").required();
  parser.add_option("--tenant", options->key.tenant, "Who shares fairly; the key's id without");
  parser.add_option("--priority", options->key.priority,
                    fmt::format("{} to {}, higher is served first", -serve::api::kMostPriority,
                                serve::api::kMostPriority));
  parser.add_option("--model", options->key.models, "A model it may use; all without").repeated();
  const auto limit = [&](const char* name, int64_t& value, const char* text) {
    parser.add_option(name, value, text).not_negative().group("Limits");
  };
  limit("--requests-per-minute", limits.requests_per_minute, "0: no limit");
  limit("--tokens-per-minute", limits.tokens_per_minute, "Of prompts and answers; 0: no limit");
  limit("--tokens-per-day", limits.tokens_per_day, "Of prompts and answers; 0: no limit");
  limit("--max-concurrent", limits.max_concurrent, "Requests at once; 0: no limit");
  return [options, &context] {
    if (options->key.models.empty()) options->key.models = {"*"};
    return execute(*options, context);
  };
}

}  // namespace

Command key_add() {
  return {"key add", "Everyday", "Make a key for `verge serve --api-keys`",
          "  verge key add keys.json --tenant mail --tokens-per-minute 20000\n"
          "  verge key add keys.json --tenant guest --model qwen --max-concurrent 2 --priority -4",
          declare};
}

}  // namespace verge::cli::commands
