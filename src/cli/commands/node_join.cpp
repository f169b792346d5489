#include <filesystem>

#include <verge/cli/command.hpp>
#include <verge/cli/json.hpp>
#include <verge/cli/node_home.hpp>
#include <verge/platform/net/address.hpp>
#include <verge/platform/net/grpc/join_service.hpp>

namespace verge::cli::commands {
namespace {

constexpr double kPatienceS = 10;

struct Options {
  NodeHome home;
  std::string address;
  std::string token;
};

// A token is spent by its first use: nothing may fail afterwards that could have been seen before.
Status check_room(const NodeHome& home) {
  std::error_code error;
  if (std::filesystem::exists(home.identity(), error)) {
    return make_error(Code::Conflict,
                      "{} is a node already; remove that folder, or give another --dir",
                      home.identity());
  }
  std::filesystem::create_directories(home.folder(), error);
  if (!error) return {};
  return make_error(Code::Io, "{}: {}; give another --dir", home.folder(), error.message());
}

// Where the certificate is renewed: the node beside the service that it was joined by.
Status remember_authority(const Options& options, int node_port) {
  if (node_port == 0) return {};
  VERGE_TRY(net::Address address, net::Address::parse(options.address));
  address.port = node_port;
  VERGE_TRY(fleet::NodeBook book, options.home.book());
  return book.set_authority(address.text());
}

Status execute(const Options& options, Context& context) {
  VERGE_TRY(const net::JoinToken token, net::JoinToken::parse(options.token));
  VERGE_RETURN_IF_ERROR(check_room(options.home));
  int node_port = 0;
  VERGE_TRY(const net::Credentials own,
            net::join(options.address, token, unix_time_s(), kPatienceS, &node_port));
  VERGE_RETURN_IF_ERROR(own.save(options.home.identity()));
  VERGE_RETURN_IF_ERROR(remember_authority(options, node_port));
  const net::CertificateFacts& facts = own.facts();
  if (context.json) {
    print_json_line({{"node", facts.node},
                     {"fleet", facts.fleet},
                     {"until_unix_s", facts.until_unix_s},
                     {"folder", options.home.folder()}},
                    context.out);
    return {};
  }
  context.out << fmt::format("This machine is now {} of {}, until {}.\nNext: verge node start\n",
                             facts.node, facts.fleet, net::show_time(facts.until_unix_s));
  return {};
}

Action declare(Parser& parser, Context& context) {
  auto options = std::make_shared<Options>();
  options->home.declare(parser);
  parser.add_option("ADDRESS", options->address, "HOST:PORT of the join service of the fleet")
      .required();
  parser.add_option("TOKEN", options->token, "What `verge node invite` printed").required();
  return [options, &context] { return execute(*options, context); };
}

}  // namespace

Command node_join() {
  return {"node join", "Everyday", "Enter a fleet with a token",
          "  verge node join home.example:7444 verge1-...", declare};
}

}  // namespace verge::cli::commands
