#include <limits>
#include <utility>

#include <verge/platform/http/connection/connection.hpp>

namespace verge::http {
namespace {

constexpr size_t kMostWrittenAtOnce = 64 << 10;
constexpr size_t kIdleSpace = 2 << 10;
constexpr size_t kBodySpace = 64 << 10;
constexpr double kLingerS = 2;
constexpr double kForEver = std::numeric_limits<double>::infinity();

}  // namespace

Connection::Connection(Loop& loop, std::unique_ptr<Transport> transport, Peer peer,
                       std::optional<Seats::Seat> seat)
    : loop_(loop),
      site_(loop.site()),
      transport_(std::move(transport)),
      peer_(std::move(peer)),
      seat_(std::move(seat)),
      reader_({site_.options.limits.header_bytes, site_.options.limits.header_fields}) {}

Connection::~Connection() = default;

void Connection::start() {
  set_phase(Phase::Opening, site_.options.limits.header_timeout_s);
  transport_->open(shared_from_this());
}

void Connection::start_refused(int status, std::string message) {
  loop_.metrics().ended(status == 429 ? "address_full" : "full");
  // A handshake costs more than it tells.
  if (peer_.tls) return close();
  request_started_s_ = loop_.now();
  refuse(status, std::move(message));
}

void Connection::set_phase(Phase phase, double timeout_s) {
  phase_ = phase;
  deadline_s_ = timeout_s == kForEver ? kForEver : loop_.now() + timeout_s;
  // An answer that is still being taken is no waiting.
  const bool is_idle = phase == Phase::Idle && out_.empty();
  loop_.set_waiting(
      *this, is_idle || phase == Phase::Opening || phase == Phase::Header || phase == Phase::Body);
}

void Connection::on_open(bool is_open) {
  if (phase_ != Phase::Opening) return;
  if (!is_open) return end("handshake_failed");
  phase_ = Phase::Header;  // with the deadline of Opening
  read_on();
}

void Connection::on_read(size_t bytes, bool is_end) {
  is_reading_ = false;
  if (phase_ == Phase::Closed) return;
  if (bytes == 0) {
    has_ended_ = true;
    if (!is_end || exchange_) return cut(CloseReason::ClientGone);
    if (phase_ == Phase::Lingering) return close();
    return process();
  }
  if (in_.size() == 0 && !reader_.has_started()) request_started_s_ = loop_.now();
  in_.commit(bytes);
  if (phase_ == Phase::Lingering) return read_on();
  process();
}

void Connection::on_written(bool is_written) {
  is_writing_ = false;
  if (phase_ == Phase::Closed) return;
  if (!is_written) return cut(CloseReason::ClientGone);
  out_.written();
  if (exchange_) exchange_->set_in_flight(out_.bytes());
  if (out_.empty()) {
    tell_of_answers({});
    if (phase_ == Phase::Idle) set_phase(Phase::Idle, site_.options.limits.idle_timeout_s);
  }
  if (phase_ != Phase::Lingering) process();
}

void Connection::wake_later() {
  loop_.wake(weak_from_this());
}

void Connection::on_wake() {
  if (phase_ != Phase::Answering) return;
  fetch();
  process();
}

void Connection::on_tick(double now_s) {
  if (is_writing_ && now_s > write_deadline_s_) return cut(CloseReason::TooSlow);
  if (now_s <= deadline_s_) return;
  const bool has_begun = reader_.has_started() || in_.size() > 0;
  if (phase_ == Phase::Opening) return end("handshake_timeout");
  if (phase_ == Phase::Lingering) return close();
  if (phase_ == Phase::Idle && !is_writing_) return end("idle_timeout");
  if (phase_ == Phase::Header && !has_begun) return end("header_timeout");
  if (phase_ == Phase::Header) {
    loop_.metrics().ended("header_timeout");
    refuse(408, "the request header did not arrive in time");
  } else if (phase_ == Phase::Body) {
    loop_.metrics().ended("body_timeout");
    refuse(408, "the request body did not arrive in time");
  }
}

void Connection::drain() {
  const bool has_begun = reader_.has_started() || in_.size() > 0;
  const bool is_between =
      phase_ == Phase::Opening || phase_ == Phase::Idle || (phase_ == Phase::Header && !has_begun);
  if (!is_between || has_begun) return;
  is_last_ = true;
  if (phase_ == Phase::Opening || out_.empty()) return close();
}

void Connection::evict() {
  end("evicted");
}

void Connection::cut(CloseReason reason) {
  if (phase_ == Phase::Closed) return;
  const std::shared_ptr<Exchange> exchange = std::exchange(exchange_, nullptr);
  if (exchange) unsent_.push_back(std::move(answer_));
  end(name(reason));
  if (!exchange) return;
  exchange->release();
  try {
    exchange->cut(reason);
  } catch (...) {
    // The writer's own callback failed; the answer is over either way.
  }
}

void Connection::end(std::string_view reason) {
  loop_.metrics().ended(reason);
  tell_of_answers(reason);
  close();
}

void Connection::close() {
  if (phase_ == Phase::Closed) return;
  const std::shared_ptr<Connection> self = shared_from_this();
  set_phase(Phase::Closed, kForEver);
  release_body();
  transport_->close();
  loop_.forget(*this);
}

void Connection::read_on() {
  if (is_reading_ || has_ended_ || phase_ == Phase::Closed) return;
  size_t bytes = kIdleSpace;
  if (phase_ == Phase::Lingering) {
    in_.clear();
  } else if (phase_ == Phase::Body) {
    bytes = kBodySpace;
  } else if (phase_ == Phase::Header) {
    bytes = std::max(kIdleSpace, in_.size());
  } else if (in_.size() >= site_.options.limits.header_bytes) {
    return;  // requests ahead of their time; the client waits
  }
  is_reading_ = true;
  transport_->read(shared_from_this(), in_.space(bytes));
}

void Connection::flush() {
  if (is_writing_ || phase_ == Phase::Closed || phase_ == Phase::Lingering) return;
  const std::span<const std::string_view> parts = out_.next(kMostWrittenAtOnce);
  if (parts.empty()) {
    if (is_last_) linger();
    return;
  }
  is_writing_ = true;
  write_deadline_s_ = loop_.now() + site_.options.limits.write_timeout_s;
  transport_->write(shared_from_this(), parts);
}

void Connection::linger() {
  set_phase(Phase::Lingering, kLingerS);
  if (has_ended_) return close();
  transport_->shutdown(shared_from_this());
  read_on();
}

}  // namespace verge::http
