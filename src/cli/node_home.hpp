#pragma once
// The folder of this machine's node: who it is, what it remembers, and on one node of a fleet the
// authority that lets others in.

#include <string>

#include <verge/cli/parser.hpp>
#include <verge/cli/unix_time.hpp>
#include <verge/platform/fleet/node_book.hpp>
#include <verge/platform/net/identity/authority.hpp>
#include <verge/platform/net/identity/token_book.hpp>

namespace verge::cli {

class NodeHome {
 public:
  /// `--dir`, by default $VERGE_NODE or the folder `node` beside the model store.
  void declare(Parser& parser);

  const std::string& folder() const { return folder_; }
  std::string identity() const { return folder_ + "/identity"; }

  /// NotFound with the two ways to become a node, Denied for a certificate that is not valid now.
  Result<net::Credentials> credentials() const;
  /// NotFound on a node that has no authority.
  Result<net::Authority> authority() const;
  Result<net::Authority> create_authority(const std::string& fleet) const;
  Result<net::TokenBook> tokens() const;
  Result<fleet::NodeBook> book() const;
  bool has_authority() const;

 private:
  std::string folder_;
};

}  // namespace verge::cli
