#include <utility>

#include <verge/platform/http/connection/exchange.hpp>
#include <verge/platform/http/response_writer.hpp>

namespace verge::http {

std::string_view name(CloseReason reason) {
  switch (reason) {
    case CloseReason::ClientGone:
      return "client_gone";
    case CloseReason::TooSlow:
      return "too_slow";
    case CloseReason::Stopped:
      return "stopped";
  }
  return "client_gone";
}

// Ends with the last copy of a writer.
struct ResponseWriter::Handle {
  std::shared_ptr<Exchange> exchange;

  explicit Handle(std::shared_ptr<Exchange> of) : exchange(std::move(of)) {}
  ~Handle() { exchange->abandon(); }
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
};

ResponseWriter::ResponseWriter(std::shared_ptr<Exchange> exchange)
    : handle_(std::make_shared<Handle>(std::move(exchange))) {}

void ResponseWriter::respond(Response response) {
  handle_->exchange->respond(std::move(response));
}

void ResponseWriter::start(Response head) {
  handle_->exchange->start(std::move(head));
}

bool ResponseWriter::write(std::string_view piece) {
  return handle_->exchange->write(piece);
}

void ResponseWriter::end() {
  handle_->exchange->end();
}

void ResponseWriter::abort() {
  handle_->exchange->abort();
}

void ResponseWriter::on_close(std::function<void(CloseReason)> callback) {
  handle_->exchange->on_close(std::move(callback));
}

bool ResponseWriter::is_open() const {
  return handle_->exchange->is_open();
}

size_t ResponseWriter::buffered_bytes() const {
  return handle_->exchange->buffered_bytes();
}

}  // namespace verge::http
