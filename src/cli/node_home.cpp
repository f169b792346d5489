#include <filesystem>

#include <verge/cli/model_store.hpp>
#include <verge/cli/node_home.hpp>

namespace verge::cli {
namespace {

std::string authority_folder(const std::string& home) {
  return home + "/authority";
}

}  // namespace

void NodeHome::declare(Parser& parser) {
  folder_ = store_root() + "/node";
  parser.add_option("--dir", folder_, "Folder of this machine's node").environment("VERGE_NODE");
}

Result<net::Credentials> NodeHome::credentials() const {
  std::error_code error;
  if (!std::filesystem::exists(identity(), error)) {
    return make_error(Code::NotFound,
                      "{} holds no node; `verge node init NAME` begins a fleet, `verge node join "
                      "HOST:PORT TOKEN` enters one",
                      folder_);
  }
  VERGE_TRY(net::Credentials own, net::Credentials::load(identity()));
  VERGE_RETURN_IF_ERROR(own.check_valid(unix_time_s()));
  return own;
}

bool NodeHome::has_authority() const {
  std::error_code error;
  return std::filesystem::exists(authority_folder(folder_), error);
}

Result<net::Authority> NodeHome::authority() const {
  if (has_authority()) return net::Authority::load(authority_folder(folder_));
  return make_error(Code::NotFound,
                    "{} holds no authority; invite on the node where `verge node init` was called",
                    folder_);
}

Result<net::Authority> NodeHome::create_authority(const std::string& fleet) const {
  std::error_code error;
  std::filesystem::create_directories(folder_, error);
  return net::Authority::create(authority_folder(folder_), fleet, unix_time_s());
}

Result<net::TokenBook> NodeHome::tokens() const {
  return net::TokenBook::open(folder_ + "/tokens.sqlite");
}

Result<fleet::NodeBook> NodeHome::book() const {
  return fleet::NodeBook::open(folder_ + "/node.sqlite");
}

}  // namespace verge::cli
