#include <chrono>

#include <verge/platform/net/codec/tensor_codec.hpp>
#include <verge/stages/serve/collab/connection_inbox.hpp>

namespace verge::serve {
namespace {

constexpr double kLookUpS = 0.2;  // whether the inbox is closed

int64_t bytes_of(const CollabEvent& event) {
  return static_cast<int64_t>(event.rows.size() * sizeof(float));
}

Status post_message(const Message& message, const std::shared_ptr<CollabConnection>& connection,
                    const CollabLimits& limits, ConnectionInbox& inbox) {
  VERGE_TRY(std::optional<CollabMessage> read, read_message(message, limits));
  if (!read) return {};
  CollabEvent event{.connection = connection, .message = std::move(*read)};
  if (auto* states = std::get_if<StatesMessage>(&event.message)) {
    VERGE_TRY(event.rows, net::unpack(states->states, limits.context * limits.width));
    states->states.data.clear();
  }
  inbox.post(std::move(event));
  return {};
}

}  // namespace

void CollabConnection::send(const CollabMessage& message) {
  const std::lock_guard lock(mutex_);
  if (channel_ != nullptr) (void)channel_->send(to_message(message), Channel::Lane::Urgent);
}

void CollabConnection::disconnect() {
  const std::lock_guard lock(mutex_);
  channel_ = nullptr;
}

void ConnectionInbox::post(CollabEvent event) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return is_closed_ || bytes_ <= most_bytes_; });
  bytes_ += bytes_of(event);
  events_.push_back(std::move(event));
  changed_.notify_all();
}

std::deque<CollabEvent> ConnectionInbox::take(double timeout_s) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, std::chrono::duration<double>(timeout_s),
                    [this] { return is_closed_ || !events_.empty(); });
  std::deque<CollabEvent> taken;
  taken.swap(events_);
  bytes_ = 0;
  changed_.notify_all();
  return taken;
}

void ConnectionInbox::close() {
  const std::lock_guard lock(mutex_);
  is_closed_ = true;
  changed_.notify_all();
}

bool ConnectionInbox::is_closed() const {
  const std::lock_guard lock(mutex_);
  return is_closed_;
}

Status receive_all(Channel& channel, const std::shared_ptr<CollabConnection>& connection,
                   const CollabLimits& limits, ConnectionInbox& inbox) {
  Status status;
  while (status && !inbox.is_closed()) {
    Result<std::optional<Message>> received = channel.receive(kLookUpS);
    if (!received) {
      if (received.error().code != Code::Cancelled) status = received.error();
      break;
    }
    if (!*received) continue;
    status = post_message(**received, connection, limits, inbox);
    if (!status) connection->send(FailureMessage{status.error()});
  }
  connection->disconnect();
  inbox.post({.connection = connection, .is_gone = true});
  return status;
}

}  // namespace verge::serve
