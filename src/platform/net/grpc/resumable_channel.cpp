#include <utility>

#include <sodium.h>

#include <verge/platform/net/grpc/resumable_channel.hpp>
#include <verge/platform/net/printable.hpp>

namespace verge::net {
namespace {

constexpr size_t kMostWaiting = 64;
constexpr size_t kMostRefusal = 500;

// Of a session that the acceptor knows, too: who has the channel ends it.
class SessionHandle final : public Channel {
 public:
  explicit SessionHandle(std::shared_ptr<ResumableSession> session)
      : session_(std::move(session)) {}

  Status send(Message message, Lane lane) override {
    return session_->send(std::move(message), lane);
  }
  Result<std::optional<Message>> receive(double timeout_s) override {
    return session_->receive(timeout_s);
  }
  int64_t unsent_bytes() const override { return session_->unsent_bytes(); }
  ChannelCounters counters() const override { return session_->counters(); }
  void close() override { session_->close(); }

 private:
  std::shared_ptr<ResumableSession> session_;
};

std::string new_session_id() {
  VERGE_CHECK(sodium_init() >= 0);
  std::string id(kSessionBytes, '\0');
  randombytes_buf(id.data(), id.size());
  return id;
}

// The first message of a link.
Result<Delivery> first_of(Channel& link, double timeout_s) {
  VERGE_TRY(std::optional<Message> message, link.receive(timeout_s));
  if (!message) return make_error(Code::Io, "the other end did not answer within {} s", timeout_s);
  return open_envelope(std::move(*message));
}

Result<ResumedLink> resume_over(const DialLink& dial, const std::string& id, bool is_new,
                                const Marks& received, double timeout_s) {
  VERGE_TRY(std::unique_ptr<Channel> dialled, dial());
  const std::shared_ptr<Channel> link = std::move(dialled);
  VERGE_RETURN_IF_ERROR(link->send(resume_message(received, id, is_new), Channel::Lane::Urgent));
  VERGE_TRY(const Delivery answer, first_of(*link, timeout_s));
  if (!answer.envelope.refusal().empty()) {
    return make_error(Code::Conflict, "{}", printable(answer.envelope.refusal(), kMostRefusal));
  }
  if (answer.envelope.resume().session() == id) {
    return ResumedLink{link, marks_of(answer.envelope)};
  }
  return make_error(Code::Malformed,
                    "the other end of a resumable channel answered for another session");
}

}  // namespace

Result<std::unique_ptr<Channel>> connect_resumable(DialLink dial, const Clock& clock,
                                                   const ResumeOptions& options) {
  const std::string id = new_session_id();
  VERGE_TRY(ResumedLink first, resume_over(dial, id, true, {}, options.answer_s));
  auto again = [dial = std::move(dial), id, wait_s = options.answer_s](const Marks& received) {
    return resume_over(dial, id, false, received, wait_s);
  };
  return std::unique_ptr<Channel>(
      std::make_unique<ResumableSession>(id, std::move(first), std::move(again), clock, options));
}

ResumableAcceptor::ResumableAcceptor(const Clock& clock, const ResumeOptions& options,
                                     OnSession on_session)
    : clock_(clock), options_(options), on_session_(std::move(on_session)) {}

ResumableAcceptor::~ResumableAcceptor() {
  reap(true);
}

void ResumableAcceptor::accept(std::string node, std::unique_ptr<Channel> link) {
  reap(false);
  const std::lock_guard lock(mutex_);
  if (waiting_.size() >= kMostWaiting) return;  // which closes the link: its node dials again
  Waiting& entry = waiting_.emplace_back();
  entry.link = std::move(link);
  entry.thread = std::thread([this, &entry, node = std::move(node), link = entry.link]() mutable {
    greet(node, link);
    link.reset();
    std::shared_ptr<Channel> last;  // outlives the lock: channels may wait in their destructors
    const std::lock_guard done(mutex_);
    last = std::move(entry.link);
    entry.is_done = true;
  });
}

void ResumableAcceptor::greet(const std::string& node, const std::shared_ptr<Channel>& link) {
  const Result<Delivery> first = first_of(*link, options_.answer_s);
  if (!first || !first->envelope.has_resume()) return;
  join_session(node, {link, marks_of(first->envelope)}, first->envelope.resume());
}

void ResumableAcceptor::join_session(const std::string& node, ResumedLink link,
                                     const wire::Resume& resume) {
  const std::shared_ptr<ResumableSession> known = find(node, resume.session());
  if (known) return known->offer(std::move(link));
  if (!resume.is_new()) {
    static_cast<void>(link.channel->send(
        refusal_message("the other end has no such session any more, it was closed or started "
                        "anew: connect again"),
        Channel::Lane::Urgent));
    return;
  }
  const auto session = std::make_shared<ResumableSession>(resume.session(), std::move(link),
                                                          nullptr, clock_, options_);
  {
    const std::lock_guard lock(mutex_);
    sessions_[{node, resume.session()}] = session;
  }
  on_session_(node, std::make_unique<SessionHandle>(session));
}

std::shared_ptr<ResumableSession> ResumableAcceptor::find(const std::string& node,
                                                          const std::string& id) {
  std::shared_ptr<ResumableSession> session;  // outlives the lock: its destructor may wait
  {
    const std::lock_guard lock(mutex_);
    std::erase_if(sessions_, [](const auto& entry) { return entry.second.expired(); });
    if (const auto found = sessions_.find({node, id}); found != sessions_.end()) {
      session = found->second.lock();
    }
  }
  return session && !session->is_over() ? session : nullptr;
}

void ResumableAcceptor::reap(bool all) {
  std::list<Waiting> done;
  {
    const std::lock_guard lock(mutex_);
    for (auto at = waiting_.begin(); at != waiting_.end();) {
      const auto next = std::next(at);
      if (all && at->link) at->link->close();
      if (all || at->is_done) done.splice(done.end(), waiting_, at);
      at = next;
    }
  }
  for (Waiting& entry : done) entry.thread.join();
}

}  // namespace verge::net
