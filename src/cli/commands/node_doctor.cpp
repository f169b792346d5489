#include <verge/cli/command.hpp>
#include <verge/cli/json.hpp>
#include <verge/cli/node_home.hpp>
#include <verge/cli/node_report.hpp>
#include <verge/cli/this_node.hpp>
#include <verge/platform/fleet/doctor.hpp>

namespace verge::cli::commands {
namespace {

struct Options {
  NodeHome home;
  std::string address;
};

Json to_json(const fleet::Diagnosis& diagnosis) {
  Json findings = Json::array();
  for (const fleet::Finding& finding : diagnosis.findings) {
    findings.push_back({{"step", finding.step}, {"well", finding.is_well}, {"text", finding.text}});
  }
  Json json = {{"well", diagnosis.is_well()}, {"findings", findings}};
  if (diagnosis.peer) json["peer"] = cli::to_json(diagnosis.peer->capability);
  return json;
}

Status remember(const Options& options, const fleet::Diagnosis& diagnosis) {
  if (!diagnosis.peer) return {};
  VERGE_TRY(fleet::NodeBook book, options.home.book());
  return book.met({.capability = diagnosis.peer->capability,
                   .address = options.address,
                   .fingerprint = diagnosis.fingerprint,
                   .seen_unix_s = unix_time_s(),
                   .link = diagnosis.link});
}

Status execute(const Options& options, Context& context) {
  const SystemClock clock;
  VERGE_TRY(const net::Credentials own, options.home.credentials());
  const fleet::Hello hello{.capability =
                               this_node(own.facts().node, fleet::Role::Edge, false, clock)};
  const fleet::Diagnosis diagnosis =
      fleet::diagnose(options.address, own, hello, clock, unix_time_s());
  VERGE_RETURN_IF_ERROR(remember(options, diagnosis));
  if (context.json) {
    print_json_line(to_json(diagnosis), context.out);
  } else {
    for (const fleet::Finding& finding : diagnosis.findings) {
      context.out << fmt::format("{:<4}  {:<12}  {}\n", finding.is_well ? "ok" : "FAIL",
                                 finding.step, finding.text);
    }
  }
  if (diagnosis.is_well()) return {};
  return make_error(Code::Io, "{} does not work; see its step \"{}\"", options.address,
                    diagnosis.findings.back().step);
}

Action declare(Parser& parser, Context& context) {
  auto options = std::make_shared<Options>();
  options->home.declare(parser);
  parser.add_option("ADDRESS", options->address, "HOST:PORT of the other node").required();
  return [options, &context] { return execute(*options, context); };
}

}  // namespace

Command node_doctor() {
  return {"node doctor", "Everyday", "Find out why this node does not see another one",
          "  verge node doctor edge-1.example:7443", declare};
}

}  // namespace verge::cli::commands
