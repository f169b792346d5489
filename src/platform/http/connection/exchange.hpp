#pragma once
// Exchange: what a connection and the writers of one answer share: the answer's state and the
// pieces that the connection has not fetched yet. The only object of a connection that other
// threads touch.
//
// Writers call respond() ... buffered_bytes() from any thread; the connection calls the rest from
// its own. Callbacks run outside of the lock.

#include <cstddef>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include <verge/platform/http/message.hpp>
#include <verge/platform/http/response_writer.hpp>

namespace verge::http {

/// Who fetches. wake_later() may be called by any thread and must neither block nor call back.
class Fetcher {
 public:
  virtual void wake_later() = 0;

 protected:
  ~Fetcher() = default;
};

class Exchange {
 public:
  /// Pieces of more than `most_buffered` bytes that wait are an overflow. `fetcher` is woken when
  /// there is news, between the first fetch() and release().
  Exchange(Fetcher& fetcher, size_t most_buffered)
      : fetcher_(&fetcher), most_buffered_(most_buffered) {}

  void respond(Response response);
  void start(Response head);
  bool write(std::string_view piece);
  void end();
  void abort();
  /// The last writer is gone, or its handler failed.
  void abandon();
  void on_close(std::function<void(CloseReason)> callback);
  bool is_open() const;
  size_t buffered_bytes() const;

  /// What came since the last fetch.
  struct News {
    std::optional<Response> head;  // the first news of an answer
    bool is_whole = false;         // head is all of it
    std::string pieces;            // of an answer in pieces
    bool is_last = false;          // nothing comes after these pieces
    bool is_unanswered = false;    // abandoned without an answer
    bool is_aborted = false;       // by the writer, in the middle
    bool is_overflow = false;      // beyond the buffer
  };
  News fetch();
  /// Bytes fetched and not yet with the client: they count against the buffer.
  void set_in_flight(size_t bytes);
  /// Ends the answer if it is still open, and then tells the writer.
  void cut(CloseReason reason);
  /// The connection is done with it.
  void release();

 private:
  enum class Stage { Waiting, Streaming, Complete, Aborted, Cut };

  bool is_running() const { return stage_ == Stage::Waiting || stage_ == Stage::Streaming; }
  void wake();  // under the lock

  mutable std::mutex mutex_;
  Fetcher* fetcher_;
  const size_t most_buffered_;
  Stage stage_ = Stage::Waiting;
  CloseReason reason_ = CloseReason::ClientGone;
  News news_;
  bool has_overflown_ = false;
  size_t in_flight_ = 0;
  bool is_woken_ = true;  // until the first fetch: the handler runs on the fetcher's thread
  std::function<void(CloseReason)> on_close_;
};

}  // namespace verge::http
