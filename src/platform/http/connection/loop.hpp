#pragma once
// Loop: one thread's event loop and the connections that live on it. Nothing of a connection is
// touched by another thread, but its Exchange.

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <verge/platform/http/connection/seats.hpp>
#include <verge/platform/http/connection/site.hpp>
#include <verge/platform/http/connection/traffic_metrics.hpp>
#include <verge/platform/http/connection/transport.hpp>

namespace boost::asio {
class io_context;
}

namespace verge::http {

class Connection;

/// Who is at the other end.
struct Peer {
  std::string name;  // Request::peer
  bool tls = false;
};

class Loop {
 public:
  explicit Loop(Site& site);
  /// Cuts its connections.
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  boost::asio::io_context& context();
  /// Until drained.
  void run();
  /// What is ready now, without waiting; for tests that drive a loop by hand.
  void poll();

  /// Any thread: runs `task` on the loop.
  void post(std::function<void()> task);
  /// Any thread: calls the connection's on_wake(), if it still is.
  void wake(std::weak_ptr<Connection> connection);

  // On the loop's thread, as everything below.

  /// Whether it finds a seat, if need be that of the connection here that waits longest, which is
  /// closed for it.
  bool find_room(Seats::Seat& seat);
  /// A new connection. One that finds no room is refused.
  void adopt(std::unique_ptr<Transport> transport, Peer peer, Seats::Seat seat);
  /// Closes what waits, lets answers end until `deadline_s` by the clock, then cuts. Connections
  /// that come from here on have one answer each. `on_quiet`: once, when none from before is left;
  /// of a second call only the deadline counts, if it is the earlier.
  void drain(double deadline_s, std::function<void()> on_quiet);
  /// Adopts no more; run() returns when what is left has had a moment to read its answer.
  void finish();
  /// Checks every deadline; called ten times a second while there are connections.
  void tick();

  // For connections.

  Site& site() { return site_; }
  TrafficMetrics& metrics() { return metrics_; }
  double now() const { return site_.clock.seconds(); }
  /// The Date of answers.
  std::string_view date();
  /// Puts a connection at the end of those that wait for a request, or takes it out.
  void set_waiting(Connection& connection, bool is_waiting);
  void forget(Connection& connection);

 private:
  struct Events;
  void schedule_tick();
  void drain_connections();
  void check_drained();

  Site& site_;
  TrafficMetrics metrics_;
  std::unique_ptr<Events> events_;
  std::vector<std::shared_ptr<Connection>> connections_;
  Connection* first_waiting_ = nullptr;
  Connection* last_waiting_ = nullptr;
  int refused_ = 0;  // connections beyond the seats that are being told so
  std::string date_;
  int64_t date_s_ = 0;
  int early_ = 0;  // connections from before the drain
  bool is_draining_ = false;
  bool is_finishing_ = false;
  std::function<void()> on_quiet_;
  double drain_deadline_s_ = 0;
};

}  // namespace verge::http
