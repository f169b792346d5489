#pragma once
// Connection: one client's requests in turn: read, judged, answered, within the limits of time and
// memory. All on its loop's thread.
//
//   Opening -> Idle -> Header -> Body -> Answering -> Idle ... -> Lingering -> Closed
//
// Answering lasts from the handler's call until its answer is queued; the client's end is watched
// for meanwhile. Answers leave in the order of the requests. Lingering reads what the client still
// sends, so that its system does not throw the last answer away.

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <verge/platform/http/connection/exchange.hpp>
#include <verge/platform/http/connection/input_buffer.hpp>
#include <verge/platform/http/connection/loop.hpp>
#include <verge/platform/http/connection/output_queue.hpp>
#include <verge/platform/http/connection/transport.hpp>
#include <verge/platform/http/connection/verdict.hpp>
#include <verge/platform/http/wire/answer.hpp>
#include <verge/platform/http/wire/request_reader.hpp>

namespace verge::http {

class Connection final : public TransportUser,
                         public Fetcher,
                         public std::enable_shared_from_this<Connection> {
 public:
  /// One that is to be refused has no seat.
  Connection(Loop& loop, std::unique_ptr<Transport> transport, Peer peer,
             std::optional<Seats::Seat> seat);
  ~Connection();

  void start();
  /// Answers with a status and closes, whatever the client asks.
  void start_refused(int status, std::string message);

  void on_open(bool is_open) override;
  void on_read(size_t bytes, bool is_end) override;
  void on_written(bool is_written) override;
  void wake_later() override;
  void on_wake();
  void on_tick(double now_s);
  /// No further request is taken; closes now if none is running.
  void drain();
  void cut(CloseReason reason);
  /// Closes a connection that waits.
  void evict();

 private:
  friend class Loop;
  enum class Phase { Opening, Idle, Header, Body, Answering, Lingering, Closed };

  // What is known of the answer that is being made.
  struct Answer {
    std::string id, method, target;
    std::string_view origin;
    Framing framing = Framing::Length;
    int minor_version = 1;
    int status = 0;
    bool is_head = false;
    bool keep_alive = true;
    bool has_body = true;
    double started_s = 0;
    size_t request_bytes = 0;
    size_t answer_bytes = 0;
  };

  void set_phase(Phase phase, double timeout_s);
  void process();
  bool take_request();
  bool on_more();
  bool on_header();
  void on_request();
  void call_handler(const Handler& handler);
  void fetch();
  void begin_answer(Response head, bool is_whole);
  void add_pieces(std::string_view pieces);
  void finish_answer();
  void refuse(int status, std::string message);
  void charge_body();
  void release_body();
  void prepare_answer(bool keep_alive);
  void read_on();
  void flush();
  void linger();
  void close();
  void end(std::string_view reason);
  void tell_of_answers(std::string_view cut);

  Loop& loop_;
  Site& site_;
  std::unique_ptr<Transport> transport_;
  const Peer peer_;
  std::optional<Seats::Seat> seat_;  // given back when the loop forgets the connection

  Phase phase_ = Phase::Opening;
  double deadline_s_ = 0;
  double write_deadline_s_ = 0;
  double request_started_s_ = 0;
  bool is_reading_ = false;
  bool is_writing_ = false;
  bool has_ended_ = false;  // the client sends no more
  bool is_last_ = false;    // closes when the output is written

  InputBuffer in_;
  RequestReader reader_;
  OutputQueue out_;
  Verdict verdict_;
  size_t charged_bytes_ = 0;  // of Site::body_bytes
  std::shared_ptr<Exchange> exchange_;
  Answer answer_;
  std::vector<Answer> unsent_;  // queued, not yet written

  // Kept by the loop.
  bool is_refused_ = false;
  bool is_late_ = false;  // came during the drain
  size_t index_ = 0;
  bool is_waiting_ = false;
  Connection* previous_waiting_ = nullptr;
  Connection* next_waiting_ = nullptr;
};

}  // namespace verge::http
