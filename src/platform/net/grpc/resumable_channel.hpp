#pragma once
// Resumable channels: each message arrives once and in the order of its lane, whatever becomes of
// the link below, or the channel fails for good.
//
//   auto channel = connect_resumable([&] { return dial(address, own, now_unix_s); }, clock, {});
//
//   ResumableAcceptor acceptor(clock, {}, [&](std::string node, std::unique_ptr<Channel> channel)
//   {...});
//   ... in GrpcServer's OnPeer: acceptor.accept(peer.facts.node, std::move(channel));

#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include <verge/platform/net/grpc/resumable_session.hpp>

namespace verge::net {

using DialLink = std::function<Result<std::unique_ptr<Channel>>()>;

/// Dials once and fails as that does; from then on the channel dials by itself when its link is
/// lost, in a thread of its own: after a pause that doubles and is drawn at random, until it has
/// looked for give_up_s, the other end has no such session any more, or an error is not of the link
/// (a certificate that expired). Then it fails with Io. `clock` and what `dial` uses must outlive
/// it.
Result<std::unique_ptr<Channel>> connect_resumable(DialLink dial, const Clock& clock,
                                                   const ResumeOptions& options);

/// The other end: finds the session that a link belongs to. Any thread.
class ResumableAcceptor {
 public:
  /// A new session of a node. Called in a thread of the acceptor; must not wait for long, nor be
  /// the acceptor's end. The channel must not outlive the clock.
  using OnSession = std::function<void(std::string node, std::unique_ptr<Channel> channel)>;

  ResumableAcceptor(const Clock& clock, const ResumeOptions& options, OnSession on_session);
  /// Closes links whose first message is awaited. Sessions go on without new links.
  ~ResumableAcceptor();

  /// Takes a link and returns at once. `node`: whose it is by its certificate; it finds its
  /// own sessions only.
  void accept(std::string node, std::unique_ptr<Channel> link);

 private:
  struct Waiting {
    std::shared_ptr<Channel> link;
    std::thread thread;
    bool is_done = false;
  };
  void greet(const std::string& node, const std::shared_ptr<Channel>& link);
  void join_session(const std::string& node, ResumedLink link, const wire::Resume& resume);
  std::shared_ptr<ResumableSession> find(const std::string& node, const std::string& id);
  void reap(bool all);

  const Clock& clock_;
  const ResumeOptions options_;
  const OnSession on_session_;
  std::mutex mutex_;
  std::map<std::pair<std::string, std::string>, std::weak_ptr<ResumableSession>>
      sessions_;  // node, id
  std::list<Waiting> waiting_;
};

}  // namespace verge::net
