#include <optional>

#include <verge/cli/collab_server.hpp>
#include <verge/cli/command.hpp>
#include <verge/cli/emulated_link.hpp>
#include <verge/cli/json.hpp>
#include <verge/cli/node_home.hpp>
#include <verge/cli/signals.hpp>
#include <verge/cli/this_node.hpp>
#include <verge/core/units.hpp>
#include <verge/platform/fleet/node_host.hpp>
#include <verge/platform/net/grpc/join_service.hpp>

namespace verge::cli::commands {
namespace {

constexpr double kTickS = 0.2;
constexpr double kDrainS = 5;

struct Options {
  NodeHome home;
  std::string host = "0.0.0.0";
  int port = 7443;
  int join_port = 7444;
  CollabServerOptions collab;
  EmulatedLinkOptions link;
  std::string role = "edge";
  bool no_measure = false;
};

// What the authority's node runs beside: others join by it.
struct Joining {
  net::Authority authority;
  net::TokenBook tokens;
  CalendarClock calendar;
  std::unique_ptr<net::JoinService> service;

  static Result<std::unique_ptr<Joining>> start(const Options& options,
                                                const net::Credentials& own) {
    VERGE_TRY(net::Authority authority, options.home.authority());
    VERGE_TRY(net::TokenBook tokens, options.home.tokens());
    auto joining = std::unique_ptr<Joining>(
        new Joining{std::move(authority), std::move(tokens), CalendarClock(), nullptr});
    VERGE_TRY(joining->service,
              net::JoinService::start(own, joining->authority, joining->tokens, joining->calendar,
                                      {.host = options.host, .port = options.join_port}));
    return joining;
  }
};

// What devices can have of this node.
Result<std::unique_ptr<CollabServer>> start_collab(const Options& options) {
  if (options.collab.model.empty()) return std::unique_ptr<CollabServer>();
  VERGE_TRY(auto link, options.link.read());
  return CollabServer::start(options.collab, std::move(link));
}

void print_start(const Options& options, const net::Credentials& own, const fleet::Capability& can,
                 int port, int join_port, Context& context) {
  if (context.json) {
    print_json_line({{"node", own.facts().node}, {"port", port}, {"join_port", join_port}},
                    context.out);
    context.out << std::flush;
    return;
  }
  context.out << fmt::format("{} of {} listens on {}:{}\n", own.facts().node, own.facts().fleet,
                             options.host, port);
  context.out << fmt::format("  {}, {} cores of {}, {} of memory", options.role, can.cores, can.isa,
                             show_bytes(can.memory_bytes));
  if (can.read_gb_s > 0) {
    context.out << fmt::format("; reads {:.1f} GB/s, {:.0f} f32 GFLOP/s, {:.0f} int8 GOP/s",
                               can.read_gb_s, can.f32_gflops, can.int8_gops);
  }
  context.out << "\n";
  if (join_port > 0) context.out << fmt::format("  new nodes join at port {}\n", join_port);
  context.out << std::flush;
}

// Does what `verge node pause` and `resume` wrote; draining becomes a pause when no work is left.
Status follow(fleet::NodeBook& book, fleet::NodeHost& host) {
  VERGE_TRY(const fleet::Activity activity, book.activity());
  if (activity == fleet::Activity::Running) {
    host.resume();
    return {};
  }
  host.pause();
  if (activity == fleet::Activity::Paused || host.work() > 0) return {};
  return book.set_activity(fleet::Activity::Paused);
}

Status run_until_told(fleet::NodeBook& book, fleet::NodeHost& host, const Signals& signals) {
  while (!signals.wait(kTickS)) VERGE_RETURN_IF_ERROR(follow(book, host));
  host.stop(kDrainS);
  return {};
}

Status execute(const Options& options, Context& context) {
  const Signals signals;
  const SystemClock clock;
  VERGE_TRY(const net::Credentials own, options.home.credentials());
  VERGE_TRY(fleet::NodeBook book, options.home.book());
  const fleet::Capability can =
      this_node(own.facts().node, *fleet::role_from_name(options.role), !options.no_measure, clock);
  std::unique_ptr<Joining> joining;
  if (options.home.authority()) {
    VERGE_TRY(joining, Joining::start(options, own));
  }
  VERGE_TRY(const auto collab, start_collab(options));
  fleet::Services services;
  if (collab) collab->add_services(services);
  VERGE_TRY(fleet::NodeBook met_book, options.home.book());
  const auto met = [&](const net::CertificateFacts& facts, const fleet::Capability& peer) {
    const Status kept = met_book.met({.capability = peer,
                                      .address = "",
                                      .fingerprint = facts.fingerprint,
                                      .seen_unix_s = unix_time_s()});
    if (!kept) context.err << kept.error().message << "\n";
  };
  VERGE_TRY(const auto host,
            fleet::NodeHost::start(own, can, unix_time_s(),
                                   {.listen = {.host = options.host, .port = options.port}},
                                   std::move(services), met));
  VERGE_RETURN_IF_ERROR(follow(book, *host));
  print_start(options, own, can, host->port(), joining ? joining->service->port() : 0, context);
  return run_until_told(book, *host, signals);
}

Action declare(Parser& parser, Context& context) {
  auto options = std::make_shared<Options>();
  options->home.declare(parser);
  parser.add_option("--host", options->host, "Address to listen on");
  parser.add_option("--port", options->port, "Port for nodes of the fleet").not_negative();
  parser.add_option("--join-port", options->join_port, "Port for nodes that join").not_negative();
  parser.add_option("--role", options->role, "What this node is to others")
      .one_of({"device", "edge", "cloud"});
  options->collab.declare(parser);
  options->link.declare(parser);
  parser.add_flag("--no-measure", options->no_measure, "Do not measure this machine's rates");
  return [options, &context] { return execute(*options, context); };
}

}  // namespace

Command node_start() {
  return {"node start", "Everyday", "Run this machine's node until it is told to stop",
          "  verge node start\n"
          "  verge node start --role cloud --collab cloud.gguf",
          declare};
}

}  // namespace verge::cli::commands
