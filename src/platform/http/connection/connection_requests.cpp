// What a Connection does with requests and answers; connection.cpp has its bytes and deadlines.

#include <limits>
#include <utility>

#include <fmt/format.h>

#include <verge/platform/http/connection/connection.hpp>

namespace verge::http {
namespace {

// Answers that wait for the client; beyond them no further request is taken.
constexpr size_t kMostQueuedBytes = 64 << 10;
// A refused request's body of this length is read, so that the connection can go on.
constexpr uint64_t kMostSkippedBytes = 64 << 10;

}  // namespace

void Connection::process() {
  while (take_request()) continue;
  flush();
  read_on();
}

// Whether there may be more to do at once.
bool Connection::take_request() {
  const bool is_taking = phase_ == Phase::Idle || phase_ == Phase::Header || phase_ == Phase::Body;
  if (!is_taking || is_last_ || out_.bytes() >= kMostQueuedBytes) return false;
  size_t used = 0;
  const Progress progress = reader_.advance(in_.view(), used);
  in_.consume(used);
  switch (progress) {
    case Progress::More:
      return on_more();
    case Progress::Header:
      return on_header();
    case Progress::Complete:
      on_request();
      return true;
    case Progress::Refused:
      refuse(reader_.fault().status, reader_.fault().message);
      return false;
  }
  return false;
}

bool Connection::on_more() {
  if (has_ended_) is_last_ = true;
  if (phase_ == Phase::Body) {
    charge_body();
  } else if (phase_ == Phase::Idle && (reader_.has_started() || in_.size() > 0)) {
    set_phase(Phase::Header, site_.options.limits.header_timeout_s);
  }
  return false;
}

bool Connection::on_header() {
  Request& request = reader_.request();
  request.peer = peer_.name;
  request.tls = peer_.tls;
  verdict_ = judge(site_, request, reader_.encoded_path());
  if (!reader_.has_body()) return true;
  const uint64_t length = reader_.content_length().value_or(std::numeric_limits<uint64_t>::max());
  if (verdict_.answer && (reader_.expects_continue() || length > kMostSkippedBytes)) {
    prepare_answer(false);
    begin_answer(std::move(*verdict_.answer), true);
    finish_answer();
    return false;
  }
  if (reader_.limit_body(verdict_.body_bytes) == Progress::Refused) {
    refuse(reader_.fault().status, reader_.fault().message);
    return false;
  }
  set_phase(Phase::Body, site_.options.limits.body_timeout_s);
  if (reader_.expects_continue() && in_.size() == 0) out_.tail() += "HTTP/1.1 100 Continue\r\n\r\n";
  return true;
}

void Connection::charge_body() {
  const size_t more = reader_.request().body.size() - charged_bytes_;
  charged_bytes_ += more;
  const size_t all = site_.body_bytes.fetch_add(more) + more;
  if (all <= site_.options.limits.body_memory_bytes) return;
  refuse(503, "the server holds as many request bodies as it can; send it again later");
}

void Connection::release_body() {
  site_.body_bytes.fetch_sub(std::exchange(charged_bytes_, 0));
}

void Connection::on_request() {
  release_body();
  prepare_answer(reader_.keep_alive());
  set_phase(Phase::Answering, std::numeric_limits<double>::infinity());
  if (verdict_.handler != nullptr && !verdict_.answer) return call_handler(*verdict_.handler);
  begin_answer(std::move(*verdict_.answer), true);
  finish_answer();
}

void Connection::call_handler(const Handler& handler) {
  exchange_ = std::make_shared<Exchange>(*this, site_.options.limits.stream_buffer_bytes);
  try {
    handler(std::move(reader_.request()), ResponseWriter(exchange_));
  } catch (...) {
    exchange_->abandon();
  }
  fetch();
}

void Connection::fetch() {
  Exchange::News news = exchange_->fetch();
  if (news.is_unanswered) {
    news.head =
        refusal(site_, 500, "the server failed at this request; it is a fault of its own", nullptr);
    news.is_whole = news.is_last = true;
  }
  if (news.head) begin_answer(std::move(*news.head), news.is_whole);
  add_pieces(news.pieces);
  if (news.is_overflow) return cut(CloseReason::TooSlow);
  if (news.is_aborted) {
    exchange_->release();
    exchange_.reset();
    unsent_.push_back(std::move(answer_));
    return end("aborted");
  }
  if (news.is_last) finish_answer();
}

void Connection::prepare_answer(bool keep_alive) {
  const Request& request = reader_.request();
  answer_ = Answer();
  answer_.id = request.id.empty() ? site_.ids.make() : request.id;
  answer_.origin = verdict_.origin;
  answer_.minor_version = request.minor_version;
  answer_.is_head = request.method == "HEAD";
  answer_.keep_alive = keep_alive;
  answer_.started_s = request_started_s_;
  answer_.request_bytes = request.body.size();
  if (!site_.options.on_access) return;
  answer_.method = request.method;
  answer_.target = request.target;
}

void Connection::begin_answer(Response head, bool is_whole) {
  answer_.status = head.status;
  answer_.has_body = !answer_.is_head && !is_without_body(head.status);
  if (!is_whole && answer_.minor_version == 0) {
    answer_.framing = Framing::UntilClose;
    answer_.keep_alive = false;
  } else if (!is_whole) {
    answer_.framing = Framing::Chunked;
  }
  if (site_.is_draining) answer_.keep_alive = false;
  const size_t length = head.static_body.empty() ? head.body.size() : head.static_body.size();
  std::string& out = out_.tail();
  const size_t before = out.size();
  append_head(out, head,
              {.framing = answer_.framing,
               .length = length,
               .minor_version = answer_.minor_version,
               .keep_alive = answer_.keep_alive,
               .request_id = answer_.id,
               .server_name = site_.options.server_name,
               .date = loop_.date(),
               .origin = answer_.origin});
  answer_.answer_bytes = out.size() - before;
  if (!is_whole || !answer_.has_body) return;
  answer_.answer_bytes += length;
  if (head.static_body.empty()) {
    out_.append(std::move(head.body));
  } else {
    out_.append_fixed(head.static_body);
  }
}

void Connection::add_pieces(std::string_view pieces) {
  if (!answer_.has_body || pieces.empty()) return;
  std::string& out = out_.tail();
  const size_t before = out.size();
  if (answer_.framing == Framing::Chunked) {
    append_chunk(out, pieces);
  } else {
    out += pieces;
  }
  answer_.answer_bytes += out.size() - before;
}

void Connection::finish_answer() {
  if (answer_.has_body && answer_.framing == Framing::Chunked) {
    out_.tail() += kLastChunk;
    answer_.answer_bytes += kLastChunk.size();
  }
  if (exchange_) exchange_->release();
  exchange_.reset();
  verdict_ = Verdict();
  reader_.reset();
  is_last_ = is_last_ || !answer_.keep_alive || site_.is_draining;
  if (is_last_) in_.clear();
  unsent_.push_back(std::move(answer_));
  set_phase(Phase::Idle, site_.options.limits.idle_timeout_s);
  request_started_s_ = loop_.now();
}

void Connection::refuse(int status, std::string message) {
  release_body();
  const Request& request = reader_.request();
  const Request* told = request.id.empty() ? nullptr : &request;
  Response response = refusal(site_, status, std::move(message), told);
  prepare_answer(false);
  begin_answer(std::move(response), true);
  finish_answer();
  flush();
}

void Connection::tell_of_answers(std::string_view cut) {
  const double now_s = unsent_.empty() ? 0 : loop_.now();
  for (const Answer& answer : unsent_) {
    const double seconds = now_s - answer.started_s;
    loop_.metrics().answered(answer.status, seconds, static_cast<double>(answer.request_bytes),
                             static_cast<double>(answer.answer_bytes));
    if (!site_.options.on_access) continue;
    site_.options.on_access({.id = answer.id,
                             .peer = peer_.name,
                             .method = answer.method,
                             .target = answer.target,
                             .status = answer.status,
                             .tls = peer_.tls,
                             .request_bytes = answer.request_bytes,
                             .answer_bytes = answer.answer_bytes,
                             .seconds = seconds,
                             .cut = cut});
  }
  unsent_.clear();
}

}  // namespace verge::http
