#pragma once
// A Transport without sockets: a test writes what the client sends and reads what it would receive.
// Operations end when the test pumps, never from inside the call that began them.

#include <algorithm>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <verge/platform/http/connection/loop.hpp>
#include <verge/platform/http/connection/transport.hpp>

namespace verge::test {

/// The client's end.
struct MemoryWire {
  std::string to_server;
  std::string from_server;
  bool client_has_ended = false;  // half-closed
  bool is_broken = false;         // reset
  bool takes_bytes = true;        // reads what the server writes
  bool is_shut = false;           // the server sends no more
  bool is_closed = false;         // the server closed

  // What the server waits for.
  http::UserPointer opening, reading, writing;
  std::span<char> space;
  std::string being_written;

  /// Ends one operation that can end; false when none can.
  bool step() {
    if (opening) {
      std::exchange(opening, nullptr)->on_open(!is_broken && !is_closed);
    } else if (writing && (takes_bytes || is_broken || is_closed)) {
      const bool is_taken = !is_broken && !is_closed;
      if (is_taken) from_server += being_written;
      std::exchange(writing, nullptr)->on_written(is_taken);
    } else if (reading && (is_broken || is_closed)) {
      std::exchange(reading, nullptr)->on_read(0, false);
    } else if (reading && !to_server.empty()) {
      const size_t bytes = std::min(space.size(), to_server.size());
      std::copy_n(to_server.begin(), bytes, space.begin());
      to_server.erase(0, bytes);
      std::exchange(reading, nullptr)->on_read(bytes, false);
    } else if (reading && client_has_ended) {
      std::exchange(reading, nullptr)->on_read(0, true);
    } else {
      return false;
    }
    return true;
  }
};

class MemoryTransport : public http::Transport {
 public:
  explicit MemoryTransport(std::shared_ptr<MemoryWire> wire) : wire_(std::move(wire)) {}

  void open(http::UserPointer user) override { wire_->opening = std::move(user); }
  void read(http::UserPointer user, std::span<char> space) override {
    wire_->reading = std::move(user);
    wire_->space = space;
  }
  void write(http::UserPointer user, std::span<const std::string_view> parts) override {
    wire_->writing = std::move(user);
    wire_->being_written.clear();
    for (const std::string_view part : parts) wire_->being_written += part;
  }
  void shutdown(http::UserPointer) override { wire_->is_shut = true; }
  void close() override { wire_->is_closed = true; }

 private:
  std::shared_ptr<MemoryWire> wire_;
};

/// A site with one loop, driven by hand.
class MemorySite {
 public:
  MemorySite(http::Router router, http::ServerOptions options, const Clock& clock,
             int most_connections = 100)
      : site(std::move(router), std::move(options), clock, most_connections, 1), loop(site) {}

  std::shared_ptr<MemoryWire> connect(const std::string& address = {}, bool is_tls = false) {
    auto wire = std::make_shared<MemoryWire>();
    wires_.all.push_back(wire);
    loop.adopt(std::make_unique<MemoryTransport>(wire), {address, is_tls},
               site.seats.take(address));
    pump(*wire);
    return wire;
  }

  /// Until nothing happens any more.
  void pump(MemoryWire& wire) {
    do {
      while (wire.step()) continue;
      loop.poll();
    } while (wire.opening ||
             (wire.reading && (!wire.to_server.empty() || wire.is_broken || wire.is_closed ||
                               wire.client_has_ended)) ||
             (wire.writing && (wire.takes_bytes || wire.is_broken || wire.is_closed)));
  }

  void send(MemoryWire& wire, std::string_view bytes) {
    wire.to_server += bytes;
    pump(wire);
  }

  /// After the clock was moved.
  void tick(MemoryWire& wire) {
    loop.tick();
    pump(wire);
  }

 private:
  // What a wire still waits for holds the connection that holds the wire. Outlives the loop.
  struct Wires {
    std::vector<std::shared_ptr<MemoryWire>> all;
    ~Wires() {
      for (const auto& wire : all) wire->opening = wire->reading = wire->writing = nullptr;
    }
  };
  Wires wires_;

 public:
  http::Site site;
  http::Loop loop;
};

}  // namespace verge::test
