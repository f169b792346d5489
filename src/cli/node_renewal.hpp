#pragma once
// What a node asks of its fleet's authority while it is a member: a new certificate before the old
// one ends, and who was put out. `verge node renew` asks once, a NodeKeeper for as long as a node
// runs.

#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <stop_token>
#include <thread>

#include <verge/cli/node_home.hpp>

namespace verge::cli {

/// Whether a third of a certificate's life is left, or less.
bool is_renewal_due(const net::CertificateFacts& facts, int64_t now_unix_s);

/// Gives the node's credentials the newest list of revoked certificates and, if it `renews`, a new
/// certificate; both are kept in its folder. `address`: of the node that has the authority; a node
/// that has it itself asks nobody. Fails as net::dial and ask_authority do, Cancelled once it is
/// stopped, and where something cannot be kept; a list that came counts even so.
Status ask_for_news(const NodeHome& home, net::Credentials& own, const std::string& address,
                    bool renews, const std::stop_token& stop = {});

/// Asks every `interval_s`, in a thread of its own.
class NodeKeeper {
 public:
  /// Told of lists that are newer.
  using OnRevoked = std::function<void(const net::RevocationList& revoked)>;

  NodeKeeper(const NodeHome& home, net::Credentials own, double interval_s, OnRevoked on_revoked);
  ~NodeKeeper();

  /// There is a new certificate in the node's folder.
  bool has_renewed() const { return has_renewed_; }

 private:
  void run(const std::stop_token& stop);
  Status ask(const std::stop_token& stop);
  Status hear(const std::string& address, bool renews, const std::stop_token& stop);

  const NodeHome& home_;
  const double interval_s_;
  const OnRevoked on_revoked_;
  net::Credentials own_;
  std::atomic<bool> has_renewed_ = false;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::jthread thread_;
};

}  // namespace verge::cli
