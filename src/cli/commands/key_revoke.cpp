#include <verge/cli/command.hpp>
#include <verge/cli/json.hpp>
#include <verge/cli/parser.hpp>
#include <verge/stages/serve/api/access/key_file.hpp>

namespace verge::cli::commands {
namespace {

struct Options {
  std::string file;
  std::vector<std::string> ids;
};

Status execute(const Options& options, Context& context) {
  VERGE_RETURN_IF_ERROR(
      serve::api::KeyFile::change(options.file, false, [&](serve::api::KeyFile& keys) -> Status {
        for (const std::string& id : options.ids) VERGE_RETURN_IF_ERROR(keys.revoke(id));
        return {};
      }));
  if (context.json) {
    print_json_line({{"revoked", options.ids}}, context.out);
  } else if (!context.quiet) {
    for (const std::string& id : options.ids) context.out << fmt::format("revoked {}\n", id);
  }
  return {};
}

Action declare(Parser& parser, Context& context) {
  auto options = std::make_shared<Options>();
  parser.add_option("FILE", options->file, "The key file").required();
  parser.add_option("ID", options->ids, "Keys, by the ids that `verge key list` shows").required();
  return [options, &context] { return execute(*options, context); };
}

}  // namespace

Command key_revoke() {
  return {"key revoke", "Everyday", "Take keys back; running servers notice within a second",
          "  verge key revoke keys.json x7Kp2mQa", declare};
}

}  // namespace verge::cli::commands
