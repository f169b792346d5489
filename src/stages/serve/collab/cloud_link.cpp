#include <chrono>

#include <verge/stages/serve/collab/cloud_link.hpp>

namespace verge::serve {
namespace {

constexpr double kReceiveS = 60;  // close() wakes it

Error not_up() {
  return make_error(Code::Io, "there is no connection to the server; it is tried again");
}

}  // namespace

CloudLink::CloudLink(Connect connect, HelloMessage hello, CollabLimits limits,
                     CloudLinkOptions options)
    : connect_(std::move(connect)),
      hello_(std::move(hello)),
      limits_(std::move(limits)),
      options_(std::move(options)),
      status_(not_up()),
      thread_([this] { run(); }) {}

CloudLink::~CloudLink() {
  {
    const std::lock_guard lock(mutex_);
    is_closing_ = true;
    if (channel_ && is_up_) (void)channel_->send(to_message(CloseMessage()));
    if (channel_) channel_->close();
    changed_.notify_all();
  }
  if (options_.on_end) options_.on_end();
  thread_.join();
}

void CloudLink::run() {
  std::unique_lock lock(mutex_);
  while (!is_closing_ && !is_refused_) {
    lock.unlock();
    const Status status = serve_once();
    go_down(status);
    lock.lock();
    changed_.wait_for(lock, std::chrono::duration<double>(options_.retry_s),
                      [this] { return is_closing_ || is_refused_; });
  }
}

// Connects, and receives until the channel is lost.
Status CloudLink::serve_once() {
  VERGE_TRY(std::shared_ptr<Channel> channel, connect_());
  {
    const std::lock_guard lock(mutex_);
    if (is_closing_) return {};
    channel_ = channel;
  }
  VERGE_RETURN_IF_ERROR(greet(*channel));
  {
    const std::lock_guard lock(mutex_);
    is_up_ = true;
    ++connections_;
    status_ = {};
    received_.clear();
    changed_.notify_all();
  }
  receive_all(*channel);
  return not_up();
}

Status CloudLink::greet(Channel& channel) {
  VERGE_RETURN_IF_ERROR(channel.send(to_message(hello_)));
  VERGE_TRY(const std::optional<Message> answer, channel.receive(options_.accept_s));
  if (!answer) {
    return make_error(Code::Io, "the server did not answer within {} s", options_.accept_s);
  }
  VERGE_TRY(const std::optional<CollabMessage> read, read_message(*answer, limits_));
  if (read && std::holds_alternative<AcceptMessage>(*read)) return {};
  const auto* failure = read ? std::get_if<FailureMessage>(&*read) : nullptr;
  const bool is_for_now = failure != nullptr && failure->error.code == Code::Busy;
  const std::lock_guard lock(mutex_);
  is_refused_ = !is_for_now;
  if (failure != nullptr) return failure->error;
  return make_error(Code::Malformed, "the server answers a hello with a message of kind {}",
                    answer->kind);
}

void CloudLink::receive_all(Channel& channel) {
  while (true) {
    const Result<std::optional<Message>> message = channel.receive(kReceiveS);
    if (!message) return;
    if (!*message) continue;
    Result<std::optional<CollabMessage>> read = read_message(**message, limits_);
    if (!read) return;  // a server that sends nonsense is none
    if (!*read) continue;
    const std::lock_guard lock(mutex_);
    received_.push_back(std::move(**read));
    changed_.notify_all();
  }
}

void CloudLink::go_down(const Status& status) {
  const std::lock_guard lock(mutex_);
  if (channel_) {
    past_ += channel_->counters();
    channel_->close();
  }
  channel_.reset();
  is_up_ = false;
  if (!status) status_ = status;
  changed_.notify_all();
}

bool CloudLink::is_up() const {
  const std::lock_guard lock(mutex_);
  return is_up_;
}

int64_t CloudLink::connections() const {
  const std::lock_guard lock(mutex_);
  return connections_;
}

Status CloudLink::status() const {
  const std::lock_guard lock(mutex_);
  return status_;
}

bool CloudLink::is_refused() const {
  const std::lock_guard lock(mutex_);
  return is_refused_;
}

Status CloudLink::send(Message message) {
  const std::lock_guard lock(mutex_);
  if (!is_up_) return not_up();
  const Status status = channel_->send(std::move(message));
  const bool is_lost =
      !status && (status.error().code == Code::Io || status.error().code == Code::Cancelled);
  if (is_lost) {  // the thread that receives hears of it later
    is_up_ = false;
    channel_->close();
  }
  return status;
}

void CloudLink::wait(double timeout_s) {
  std::unique_lock lock(mutex_);
  const bool was_up = is_up_;
  changed_.wait_for(lock, std::chrono::duration<double>(timeout_s),
                    [&] { return !received_.empty() || is_up_ != was_up || is_refused_; });
}

std::optional<CollabMessage> CloudLink::receive(double timeout_s) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, std::chrono::duration<double>(timeout_s),
                    [this] { return !received_.empty() || !is_up_; });
  if (received_.empty()) return std::nullopt;
  CollabMessage message = std::move(received_.front());
  received_.pop_front();
  return message;
}

int64_t CloudLink::unsent_bytes() const {
  const std::lock_guard lock(mutex_);
  return is_up_ ? channel_->unsent_bytes() : 0;
}

ChannelCounters CloudLink::counters() const {
  const std::lock_guard lock(mutex_);
  ChannelCounters all = past_;
  if (channel_) all += channel_->counters();
  return all;
}

}  // namespace verge::serve
