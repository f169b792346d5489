#include <verge/cli/command.hpp>
#include <verge/cli/json.hpp>
#include <verge/cli/node_home.hpp>

namespace verge::cli::commands {
namespace {

struct Options {
  NodeHome home;
  std::string name;
  std::string fleet = "fleet";
  std::vector<std::string> hosts;
  int64_t days = 365;
};

Status execute(const Options& options, Context& context) {
  VERGE_TRY(const net::Authority authority, options.home.create_authority(options.fleet));
  const int64_t now = unix_time_s();
  VERGE_TRY(const net::Credentials own,
            authority.issue({.node = options.name,
                             .hosts = options.hosts,
                             .from_unix_s = now,
                             .until_unix_s = now + options.days * 86400}));
  VERGE_RETURN_IF_ERROR(own.save(options.home.identity()));
  if (context.json) {
    print_json_line({{"node", options.name},
                     {"fleet", options.fleet},
                     {"authority", authority.fingerprint()},
                     {"folder", options.home.folder()}},
                    context.out);
    return {};
  }
  context.out << fmt::format(
      "{} is the first node of {}; its certificate is valid for {} days.\n"
      "  folder     {}\n"
      "  authority  {}\n"
      "Keep {}/authority to yourself: who has it can let nodes in.\n"
      "Next: verge node start, and verge node invite NAME for another machine.\n",
      options.name, options.fleet, options.days, options.home.folder(), authority.fingerprint(),
      options.home.folder());
  return {};
}

Action declare(Parser& parser, Context& context) {
  auto options = std::make_shared<Options>();
  options->home.declare(parser);
  parser.add_option("NAME", options->name, "Name of this node").required();
  parser.add_option("--fleet", options->fleet, "Name of the fleet");
  parser.add_option("--host", options->hosts, "A name or address others dial this node by")
      .repeated();
  parser.add_option("--days", options->days, "How long its certificate is valid").positive();
  return [options, &context] { return execute(*options, context); };
}

}  // namespace

Command node_init() {
  return {"node init", "Everyday", "Begin a fleet with this machine as its first node",
          "  verge node init home\n"
          "  verge node init home --fleet lab --host home.example --host 10.0.0.7",
          declare};
}

}  // namespace verge::cli::commands
