#pragma once
// Transport: the byte stream below a connection: a socket, a socket with TLS, or memory in tests.

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>

namespace verge::http {

/// Hears how operations end, on the loop's thread and never from inside the call that began them.
class TransportUser {
 public:
  virtual void on_open(bool is_open) = 0;
  /// `bytes` > 0 were read; or none: the peer sends no more (`is_end`), or the stream is broken.
  virtual void on_read(size_t bytes, bool is_end) = 0;
  virtual void on_written(bool is_written) = 0;

 protected:
  ~TransportUser() = default;
};

using UserPointer = std::shared_ptr<TransportUser>;

/// At most one read and one write at a time. An operation keeps its user alive until it has ended,
/// which close() makes happen soon.
class Transport {
 public:
  virtual ~Transport() = default;
  /// What must happen before bytes flow; on_open.
  virtual void open(UserPointer user) = 0;
  /// Some bytes into `space`; on_read.
  virtual void read(UserPointer user, std::span<char> space) = 0;
  /// All bytes of all parts, at most kMostParts; on_written.
  virtual void write(UserPointer user, std::span<const std::string_view> parts) = 0;
  /// Tells the peer that nothing more comes; reading goes on. Nothing is reported.
  virtual void shutdown(UserPointer user) = 0;
  virtual void close() = 0;

  static constexpr size_t kMostParts = 16;
};

}  // namespace verge::http
