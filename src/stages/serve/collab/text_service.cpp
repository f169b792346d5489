#include <utility>

#include <verge/stages/serve/collab/text_service.hpp>

namespace verge::serve {
namespace {

constexpr double kTextReceiveS = 60;  // close() of either end wakes it

// A token's time is that since the last one, engine and queue.
class TokenSender : public AnswerSink {
 public:
  TokenSender(std::shared_ptr<CollabConnection> connection, int64_t prompt_tokens,
              const Clock& clock)
      : connection_(std::move(connection)),
        position_(prompt_tokens - 1),
        clock_(clock),
        last_s_(clock.seconds()) {}

  void on_piece(const Piece& piece) override {
    for (const int32_t token : piece.tokens) {
      const double now_s = clock_.seconds();
      connection_->send(TokenMessage{
          .position = position_++, .id = token, .server_s = now_s - std::exchange(last_s_, now_s)});
    }
  }
  void on_end(const End& end) override {
    if (end.status) {
      connection_->send(CloseMessage());
    } else {
      connection_->send(FailureMessage{end.status.error()});
    }
  }

 private:
  std::shared_ptr<CollabConnection> connection_;
  int64_t position_;
  const Clock& clock_;
  double last_s_;
};

}  // namespace

Status TextService::serve(Channel& channel, const CollabPeer& peer) {
  const auto connection = std::make_shared<CollabConnection>(channel, peer);
  std::vector<RequestId> requests;
  Status status;
  while (status) {
    const Result<std::optional<Message>> received = channel.receive(kTextReceiveS);
    if (!received) {
      if (received.error().code != Code::Cancelled) status = received.error();
      break;
    }
    if (!*received) continue;
    status = take(**received, connection, requests);
    if (!status) connection->send(FailureMessage{status.error()});
  }
  connection->disconnect();
  for (const RequestId request : requests) scheduler_.cancel(request);
  return status;
}

// A failure ends the connection.
Status TextService::take(const Message& message,
                         const std::shared_ptr<CollabConnection>& connection,
                         std::vector<RequestId>& requests) {
  VERGE_TRY(const std::optional<CollabMessage> read, read_message(message, limits_));
  if (!read) return {};
  if (const auto* hello = std::get_if<HelloMessage>(&*read)) {
    VERGE_RETURN_IF_ERROR(check_same_split(hello->split, split_));
    connection->send(AcceptMessage{.session = hello->session, .codecs = hello->codecs});
  } else if (const auto* prompt = std::get_if<PromptMessage>(&*read)) {
    return submit(*prompt, connection, requests);
  }
  return {};
}

Status TextService::submit(const PromptMessage& prompt,
                           const std::shared_ptr<CollabConnection>& connection,
                           std::vector<RequestId>& requests) {
  Request request;
  request.model = model_;
  request.prompt = prompt.tokens;
  request.tenant = connection->peer().tenant;
  request.options.sampling = prompt.sampling;
  request.options.max_tokens = prompt.most_tokens;
  const auto tokens = static_cast<int64_t>(prompt.tokens.size());
  const auto id = scheduler_.submit(std::move(request),
                                    std::make_shared<TokenSender>(connection, tokens, clock_));
  if (id) {
    requests.push_back(*id);
  } else if (id.error().code == Code::Busy) {
    connection->send(BusyMessage{tokens - 1, scheduler_.retry_after_s()});
  } else {
    return id.error();
  }
  return {};
}

}  // namespace verge::serve
