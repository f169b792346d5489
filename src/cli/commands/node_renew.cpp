#include <verge/cli/command.hpp>
#include <verge/cli/json.hpp>
#include <verge/cli/node_renewal.hpp>

namespace verge::cli::commands {
namespace {

struct Options {
  NodeHome home;
  std::string address;
};

// As given, else where it is remembered to be.
Result<std::string> authority_address(const Options& options, const fleet::NodeBook& book) {
  if (!options.address.empty() || options.home.has_authority()) return options.address;
  VERGE_TRY(std::string address, book.authority());
  if (!address.empty()) return address;
  return make_error(Code::InvalidArgument,
                    "it is not known where the fleet's authority is; give HOST:PORT of the node "
                    "where `verge node init` was called");
}

Status execute(const Options& options, Context& context) {
  VERGE_TRY(net::Credentials own, options.home.credentials());
  VERGE_TRY(fleet::NodeBook book, options.home.book());
  VERGE_TRY(const std::string address, authority_address(options, book));
  VERGE_RETURN_IF_ERROR(ask_for_news(options.home, own, address, true));
  if (!options.address.empty()) VERGE_RETURN_IF_ERROR(book.set_authority(options.address));
  const net::CertificateFacts& facts = own.facts();
  if (context.json) {
    print_json_line({{"node", facts.node},
                     {"until_unix_s", facts.until_unix_s},
                     {"serial", facts.serial},
                     {"revoked", own.revoked().size()}},
                    context.out);
    return {};
  }
  context.out << fmt::format("{} has a new certificate, valid until {}\n", facts.node,
                             net::show_time(facts.until_unix_s));
  return {};
}

Action declare(Parser& parser, Context& context) {
  auto options = std::make_shared<Options>();
  options->home.declare(parser);
  parser.add_option("ADDRESS", options->address,
                    "HOST:PORT of the node that has the authority, if it is not known yet");
  return [options, &context] { return execute(*options, context); };
}

}  // namespace

Command node_renew() {
  return {"node renew", "Everyday", "Get a new certificate before this node's ends",
          "  verge node renew\n"
          "  verge node renew home.example:7443",
          declare};
}

}  // namespace verge::cli::commands
