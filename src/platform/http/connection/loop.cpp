#include <algorithm>
#include <chrono>
#include <ctime>
#include <optional>
#include <utility>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <verge/platform/http/connection/connection.hpp>
#include <verge/platform/http/connection/loop.hpp>
#include <verge/platform/http/wire/answer.hpp>

namespace verge::http {
namespace {

namespace asio = boost::asio;

constexpr std::chrono::milliseconds kTick{100};
// Connections beyond the seats that wait for their client to read so; more are just closed.
constexpr int kMostRefused = 64;

}  // namespace

struct Loop::Events {
  asio::io_context context{1};
  asio::executor_work_guard<asio::io_context::executor_type> work = asio::make_work_guard(context);
  asio::steady_timer timer{context};
  bool is_ticking = false;
};

Loop::Loop(Site& site)
    : site_(site), metrics_(site.options.metrics), events_(std::make_unique<Events>()) {}

Loop::~Loop() {
  while (!connections_.empty()) {
    const std::shared_ptr<Connection> last = connections_.back();
    last->cut(CloseReason::Stopped);
  }
}

asio::io_context& Loop::context() {
  return events_->context;
}

void Loop::run() {
  events_->context.run();
}

void Loop::poll() {
  events_->context.restart();
  events_->context.poll();
}

void Loop::post(std::function<void()> task) {
  asio::post(events_->context, std::move(task));
}

void Loop::wake(std::weak_ptr<Connection> connection) {
  asio::post(events_->context, [connection = std::move(connection)] {
    if (const std::shared_ptr<Connection> alive = connection.lock()) alive->on_wake();
  });
}

void Loop::adopt(std::unique_ptr<Transport> transport, Peer peer, Seats::Seat seat) {
  const bool is_beyond_address = seat.kind() == Seats::Kind::BeyondAddress;
  const bool has_room = !is_beyond_address && find_room(seat);
  if (is_finishing_ || (!has_room && refused_ >= kMostRefused)) return;
  metrics_.opened();
  std::optional<Seats::Seat> kept;
  if (has_room) kept.emplace(std::move(seat));
  const auto connection =
      std::make_shared<Connection>(*this, std::move(transport), std::move(peer), std::move(kept));
  connection->index_ = connections_.size();
  connection->is_late_ = is_draining_;
  if (!is_draining_) ++early_;
  connections_.push_back(connection);
  schedule_tick();
  if (has_room) return connection->start();
  connection->is_refused_ = true;
  ++refused_;
  if (is_beyond_address) {
    connection->start_refused(429, "too many connections from this address; close some");
  } else {
    connection->start_refused(503, "the server has as many connections as it can; try again");
  }
}

bool Loop::find_room(Seats::Seat& seat) {
  while (!seat.sit()) {
    if (first_waiting_ == nullptr) return false;
    first_waiting_->evict();
  }
  return true;
}

void Loop::drain(double deadline_s, std::function<void()> on_quiet) {
  drain_deadline_s_ = is_draining_ ? std::min(drain_deadline_s_, deadline_s) : deadline_s;
  if (!is_draining_) on_quiet_ = std::move(on_quiet);
  is_draining_ = true;
  drain_connections();
}

void Loop::finish() {
  is_finishing_ = true;
  drain_deadline_s_ = std::min(drain_deadline_s_, now() + site_.options.limits.farewell_s);
  drain_connections();
}

void Loop::drain_connections() {
  const std::vector<std::shared_ptr<Connection>> all = connections_;
  for (const std::shared_ptr<Connection>& connection : all) connection->drain();
  schedule_tick();
  tick();
}

void Loop::check_drained() {
  if (is_draining_ && early_ == 0 && on_quiet_) std::exchange(on_quiet_, nullptr)();
  if (is_finishing_ && connections_.empty()) events_->context.stop();
}

void Loop::schedule_tick() {
  if (events_->is_ticking) return;
  events_->is_ticking = true;
  events_->timer.expires_after(kTick);
  events_->timer.async_wait([this](const boost::system::error_code& ec) {
    if (ec) return;
    events_->is_ticking = false;
    tick();
    if (!connections_.empty()) schedule_tick();
  });
}

void Loop::tick() {
  const double now_s = now();
  const bool is_over = is_draining_ && now_s >= drain_deadline_s_;
  // From the end: a connection that closes is replaced by the last one.
  for (size_t i = connections_.size(); i-- > 0;) {
    if (i >= connections_.size()) continue;
    const std::shared_ptr<Connection> connection = connections_[i];
    if (is_over) {
      connection->cut(CloseReason::Stopped);
    } else {
      connection->on_tick(now_s);
    }
  }
  check_drained();
}

std::string_view Loop::date() {
  const int64_t now_s = ::time(nullptr);
  if (now_s != date_s_) date_ = http_date(now_s);
  date_s_ = now_s;
  return date_;
}

void Loop::set_waiting(Connection& connection, bool is_waiting) {
  if (connection.is_waiting_ == is_waiting) return;
  connection.is_waiting_ = is_waiting;
  if (is_waiting) {
    connection.previous_waiting_ = last_waiting_;
    connection.next_waiting_ = nullptr;
    (last_waiting_ == nullptr ? first_waiting_ : last_waiting_->next_waiting_) = &connection;
    last_waiting_ = &connection;
    return;
  }
  Connection* const previous = connection.previous_waiting_;
  Connection* const next = connection.next_waiting_;
  (previous == nullptr ? first_waiting_ : previous->next_waiting_) = next;
  (next == nullptr ? last_waiting_ : next->previous_waiting_) = previous;
}

void Loop::forget(Connection& connection) {
  set_waiting(connection, false);
  connection.seat_.reset();
  if (connection.is_refused_) --refused_;
  if (!connection.is_late_) --early_;
  metrics_.closed();
  const size_t index = connection.index_;
  std::swap(connections_[index], connections_.back());
  connections_[index]->index_ = index;
  connections_.pop_back();
  if (is_draining_) post([this] { check_drained(); });
}

}  // namespace verge::http
