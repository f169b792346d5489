#include <atomic>
#include <optional>

#include <verge/cli/collab_server.hpp>
#include <verge/cli/command.hpp>
#include <verge/cli/emulated_link.hpp>
#include <verge/cli/json.hpp>
#include <verge/cli/node_joining.hpp>
#include <verge/cli/node_renewal.hpp>
#include <verge/cli/node_status.hpp>
#include <verge/cli/signals.hpp>
#include <verge/cli/this_node.hpp>
#include <verge/core/units.hpp>
#include <verge/platform/fleet/node_host.hpp>
#include <verge/stages/data/model_library/model_library.hpp>

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
  NodeStatusOptions status;
  std::string role = "edge";
  double ask_every_s = 60;
  bool no_measure = false;
};

// What a node keeps when its certificate is renewed.
struct Standing {
  explicit Standing(std::string name) : model(std::move(name)), metrics(model) {}

  const std::string model;  // whose tokens it finishes for devices; "": none
  NodeMetrics metrics;
  fleet::Capability can;
  std::unique_ptr<CollabServer> collab;
  net::ChannelBook channels;
  std::atomic<fleet::Activity> activity = fleet::Activity::Running;
  bool is_announced = false;
};

// What devices can have of this node.
Result<std::unique_ptr<CollabServer>> start_collab(const Options& options,
                                                   const NodeMetrics& metrics, Context& context) {
  if (options.collab.model.empty()) return std::unique_ptr<CollabServer>();
  VERGE_TRY(auto link, options.link.read());
  const auto warn = [&context](const Error& error) { context.err << error.message << std::endl; };
  return CollabServer::start(options.collab, {std::move(link), metrics.histograms(), warn});
}

NodeFacts facts_of(const Options& options, const net::Credentials& own, const Standing& standing) {
  return {.node = own.facts().node,
          .fleet = own.facts().fleet,
          .role = options.role,
          .certificate_until_unix_s = own.facts().until_unix_s,
          .model = standing.model,
          .plan = standing.collab ? standing.collab->plan() : ContextPlan()};
}

void print_start(const Options& options, const NodeFacts& facts, const fleet::Capability& can,
                 std::ostream& out) {
  out << fmt::format("{} of {} listens on {}:{}\n", facts.node, facts.fleet, options.host,
                     options.port);
  out << fmt::format("  {}, {} cores of {}, {} of memory", options.role, can.cores, can.isa,
                     show_bytes(can.memory_bytes));
  if (can.read_gb_s > 0) {
    out << fmt::format("; reads {:.1f} GB/s, {:.0f} f32 GFLOP/s, {:.0f} int8 GOP/s", can.read_gb_s,
                       can.f32_gflops, can.int8_gops);
  }
  out << "\n";
  if (options.join_port > 0) {
    out << fmt::format("  new nodes join at port {}\n", options.join_port);
  }
}

void print_more(const NodeFacts& facts, const std::string& status_url, std::ostream& out) {
  const ContextPlan& plan = facts.plan;
  if (!facts.model.empty()) {
    out << fmt::format(
        "  plans {} of the {} that are available: weights {}, activations {}; for texts of devices "
        "keys and values {}, states {}\n",
        show_bytes(plan.total()), show_bytes(plan.available_bytes),
        show_bytes(plan.model.weights_bytes), show_bytes(plan.model.arena_bytes),
        show_bytes(plan.model.kv_bytes), show_bytes(plan.states_bytes));
  }
  if (!status_url.empty()) out << fmt::format("  status at {}\n", status_url);
  out << std::flush;
}

void print_json(const NodeFacts& facts, int port, int join_port, int metrics_port,
                std::ostream& out) {
  Json json = {{"node", facts.node}, {"port", port}, {"join_port", join_port}};
  if (metrics_port > 0) json["metrics_port"] = metrics_port;
  if (!facts.model.empty()) {
    json["planned_bytes"] = facts.plan.total();
    json["available_bytes"] = facts.plan.available_bytes;
  }
  print_json_line(json, out);
}

// Does what `verge node pause` and `resume` wrote; draining becomes a pause when no work is left.
Status follow(fleet::NodeBook& book, fleet::NodeHost& host, std::atomic<fleet::Activity>& shown) {
  VERGE_TRY(const fleet::Activity activity, book.activity());
  shown = activity;
  if (activity == fleet::Activity::Running) {
    host.resume();
    return {};
  }
  host.pause();
  if (activity == fleet::Activity::Paused || host.work() > 0) return {};
  return book.set_activity(fleet::Activity::Paused);
}

// Whether it was a signal; else the node has a new certificate, to begin with again.
Result<bool> run_until_told(fleet::NodeBook& book, fleet::NodeHost& host, const NodeKeeper& keeper,
                            const Signals& signals, std::atomic<fleet::Activity>& shown) {
  bool is_told = false;
  while (!is_told && !keeper.has_renewed()) {
    VERGE_RETURN_IF_ERROR(follow(book, host, shown));
    is_told = signals.wait(kTickS).has_value();
  }
  host.stop(kDrainS);
  return is_told;
}

void announce(const Options& options, const NodeFacts& facts, const fleet::Capability& can,
              const std::string& status_url, int metrics_port, Context& context) {
  if (context.json) {
    print_json(facts, options.port, options.join_port, metrics_port, context.out);
  } else {
    print_start(options, facts, can, context.out);
    print_more(facts, status_url, context.out);
  }
}

fleet::NodeHost::Met remember(fleet::NodeBook& book, Context& context) {
  return [&](const net::CertificateFacts& facts, const fleet::Capability& peer) {
    const Status kept = book.met({.capability = peer,
                                  .address = "",
                                  .fingerprint = facts.fingerprint,
                                  .seen_unix_s = unix_time_s()});
    if (!kept) context.err << kept.error().message << "\n";
  };
}

// With the certificate of now; as run_until_told. Ports that were free ones are in `options` then,
// to have again with the next certificate.
Result<bool> run_node(Options& options, Standing& standing, const Clock& clock,
                      const Signals& signals, Context& context) {
  VERGE_TRY(const net::Credentials own, options.home.credentials());
  VERGE_TRY(fleet::NodeBook book, options.home.book());
  VERGE_TRY(fleet::NodeBook met_book, options.home.book());
  VERGE_TRY(const std::unique_ptr<NodeJoining> joining, NodeJoining::load(options.home));
  fleet::Services services;
  if (standing.collab) standing.collab->add_services(services, standing.channels);
  if (joining) joining->add_services(services);
  VERGE_TRY(const auto host,
            fleet::NodeHost::start(own, standing.can, unix_time_s(),
                                   {.listen = {.host = options.host, .port = options.port}},
                                   std::move(services), remember(met_book, context)));
  VERGE_RETURN_IF_ERROR(follow(book, *host, standing.activity));
  options.port = host->port();
  if (joining) {
    VERGE_RETURN_IF_ERROR(joining->listen(own, options.host, options.join_port, options.port));
  }
  options.join_port = joining ? joining->port() : 0;
  const NodeFacts facts = facts_of(options, own, standing);
  const auto load = [&standing] {
    const CollabServer* const collab = standing.collab.get();
    return NodeLoad{.activity = std::string(fleet::name(standing.activity.load())),
                    .channels = standing.channels.totals(),
                    .contexts = collab ? collab->snapshot() : serve::ContextSnapshot()};
  };
  VERGE_TRY(const auto status,
            NodeStatus::start(options.status, facts, standing.metrics, load, clock));
  if (status) options.status.port = status->endpoint().port;
  if (!standing.is_announced) {
    announce(options, facts, standing.can, status ? status->endpoint().url : "",
             status ? options.status.port : 0, context);
    standing.is_announced = true;
  }
  const NodeKeeper keeper(options.home, own, options.ask_every_s,
                          [&](const auto& revoked) { host->refuse(revoked); });
  return run_until_told(book, *host, keeper, signals, standing.activity);
}

Status execute(Options options, Context& context) {
  const Signals signals;
  const SystemClock clock;
  VERGE_TRY(const net::Credentials own, options.home.credentials());
  const std::string& path = options.collab.model;
  Standing standing(path.empty() ? "" : data::default_name(path));
  standing.can =
      this_node(own.facts().node, *fleet::role_from_name(options.role), !options.no_measure, clock);
  VERGE_TRY(standing.collab, start_collab(options, standing.metrics, context));
  bool is_told = false;
  while (!is_told) {
    VERGE_TRY(is_told, run_node(options, standing, clock, signals, context));
  }
  return {};
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
  options->status.declare(parser);
  parser
      .add_option("--ask-every", options->ask_every_s,
                  "Seconds between questions to the fleet's authority")
      .positive();
  parser.add_flag("--no-measure", options->no_measure, "Do not measure this machine's rates");
  return [options, &context] { return execute(*options, context); };
}

}  // namespace

Command node_start() {
  return {"node start", "Everyday", "Run this machine's node until it is told to stop",
          "  verge node start\n"
          "  verge node start --role cloud --collab cloud.gguf\n"
          "  verge node start --collab cloud.gguf --mem 512M --spill /var/tmp --metrics-port 9464",
          declare};
}

}  // namespace verge::cli::commands
