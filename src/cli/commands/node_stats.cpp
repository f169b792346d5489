#include <verge/cli/command.hpp>
#include <verge/cli/json.hpp>
#include <verge/cli/node_home.hpp>
#include <verge/platform/fleet/node_counters.hpp>
#include <verge/platform/net/grpc/grpc_channel.hpp>

namespace verge::cli::commands {
namespace {

constexpr double kAnswerS = 10;

struct Options {
  NodeHome home;
  std::string address;
};

Status execute(const Options& options, Context& context) {
  VERGE_TRY(const net::Credentials own, options.home.credentials());
  VERGE_TRY(const auto channel,
            net::dial(options.address, own, unix_time_s(), {.service = fleet::kCountersService}));
  VERGE_TRY(const fleet::NodeCounters counters, fleet::receive_counters(*channel, kAnswerS));
  if (context.json) {
    print_json_line(counters, context.out);
    return {};
  }
  for (const auto& [name, value] : counters) {
    context.out << fmt::format("{:<24} {:>14.10g}\n", name, value);
  }
  return {};
}

Action declare(Parser& parser, Context& context) {
  auto options = std::make_shared<Options>();
  options->home.declare(parser);
  parser.add_option("ADDRESS", options->address, "HOST:PORT of a node that serves a split model")
      .required();
  return [options, &context] { return execute(*options, context); };
}

}  // namespace

Command node_stats() {
  return {"node stats", "Everyday", "Show what a running node has computed for devices",
          "  verge node stats home.example:7443\n"
          "  verge node stats home.example:7443 --json",
          declare};
}

}  // namespace verge::cli::commands
