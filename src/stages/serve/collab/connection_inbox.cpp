#include <chrono>
#include <new>

#include <verge/platform/net/codec/tensor_codec.hpp>
#include <verge/stages/serve/collab/connection_inbox.hpp>

namespace verge::serve {
namespace {

constexpr double kLookUpS = 0.2;  // whether the inbox is closed

int64_t bytes_of(const CollabEvent& event) {
  size_t bytes = sizeof(CollabEvent) + event.rows.size() * sizeof(float);
  if (const auto* tokens = std::get_if<TokensMessage>(&event.message)) {
    bytes += tokens->ids.size() * sizeof(int32_t);
  }
  return static_cast<int64_t>(bytes);
}

Status read_and_post(const Message& message, const std::shared_ptr<CollabConnection>& connection,
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

// False at the channel's end, or at nonsense: `status` says which.
bool receive_next(Channel& channel, const std::shared_ptr<CollabConnection>& connection,
                  const CollabLimits& limits, ConnectionInbox& inbox, Status& status) {
  const Result<std::optional<Message>> received = channel.receive(kLookUpS);
  if (!received) {
    if (received.error().code != Code::Cancelled) status = received.error();
    return false;
  }
  if (!*received) return true;
  status = read_and_post(**received, connection, limits, inbox);
  if (!status) connection->send(FailureMessage{status.error()});
  return status.ok();
}

// What there is no memory for is lost, as on a bad link: it is asked for again.
bool try_to_receive(Channel& channel, const std::shared_ptr<CollabConnection>& connection,
                    const CollabLimits& limits, ConnectionInbox& inbox, Status& status) {
  try {
    return receive_next(channel, connection, limits, inbox, status);
  } catch (const std::bad_alloc&) {
    return status.ok();
  }
}

}  // namespace

void CollabConnection::send(const CollabMessage& message) {
  const std::lock_guard lock(mutex_);
  try {
    if (channel_ != nullptr) (void)channel_->send(to_message(message), Channel::Lane::Urgent);
  } catch (const std::bad_alloc&) {  // lost, as on a bad link
  }
}

void CollabConnection::disconnect() {
  const std::lock_guard lock(mutex_);
  channel_ = nullptr;
}

void ConnectionInbox::post(CollabEvent event) {
  Events one;
  one.push_back(std::move(event));
  post(std::move(one));
}

void ConnectionInbox::post(Events events) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return is_closed_ || bytes_ <= most_bytes_; });
  for (const CollabEvent& event : events) bytes_ += bytes_of(event);
  events_.splice(events_.end(), events);
  changed_.notify_all();
}

void ConnectionInbox::wait(double timeout_s) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, std::chrono::duration<double>(timeout_s),
                    [this] { return is_closed_ || !events_.empty(); });
}

ConnectionInbox::Events ConnectionInbox::take() {
  const std::lock_guard lock(mutex_);
  Events taken;
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
  ConnectionInbox::Events gone;
  gone.push_back({.connection = connection, .is_gone = true});
  Status status;
  bool goes_on = true;
  while (goes_on && !inbox.is_closed()) {
    goes_on = try_to_receive(channel, connection, limits, inbox, status);
  }
  connection->disconnect();
  inbox.post(std::move(gone));
  return status;
}

}  // namespace verge::serve
