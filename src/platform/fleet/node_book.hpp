#pragma once
// NodeBook: what a node remembers, in SQLite beside its credentials: whom it met and how far away
// they are, where its authority is, and whether it is paused. Any number of processes use one file
// together: `verge node pause` writes what a running node reads.
//
//   VERGE_TRY(NodeBook book, NodeBook::open("node/node.sqlite"));
//   VERGE_RETURN_IF_ERROR(book.met({.capability = peer, .address = "10.0.0.7:7443", ...}));

#include <optional>
#include <vector>

#include <verge/platform/fleet/capability.hpp>
#include <verge/platform/fleet/link_probe.hpp>
#include <verge/platform/store/database.hpp>

namespace verge::fleet {

struct KnownNode {
  Capability capability;
  std::string address = {};      // that it was dialled by; empty: it dialled this one
  std::string fingerprint = {};  // of its certificate
  int64_t seen_unix_s = 0;
  std::optional<LinkReport> link = {};
};

/// Running: takes work. Draining: lets what it has end and takes no more. Paused: has none left.
enum class Activity { Running, Draining, Paused };

std::string_view name(Activity activity);

/// One thread an object.
class NodeBook {
 public:
  /// Makes the file where there is none. Unsupported for one of a newer Verge.
  static Result<NodeBook> open(const std::string& path);

  /// Keeps the newest of a node's name; an address or a link that is not known keeps the old one.
  Status met(const KnownNode& node);
  /// By name.
  Result<std::vector<KnownNode>> nodes() const;
  /// NotFound for a node that it does not know.
  Status forget(const std::string& node);

  Result<Activity> activity() const;
  Status set_activity(Activity activity);

  /// HOST:PORT of the node that has the fleet's authority; empty where it is not known.
  Result<std::string> authority() const;
  Status set_authority(const std::string& address);

 private:
  explicit NodeBook(store::Database database) : database_(std::move(database)) {}

  store::Database database_;
};

}  // namespace verge::fleet
