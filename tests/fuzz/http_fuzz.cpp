// Any bytes as what a client sends: to the reader of requests in pieces of any size, which must not
// change what is read; and to a whole connection, with handlers that answer whole, in pieces and
// late.

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <verge/platform/http/connection/connection.hpp>
#include <verge/platform/http/wire/request_reader.hpp>

#include "manual_clock.hpp"
#include "memory_transport.hpp"

namespace {

using namespace verge;
using namespace verge::http;

// The requests that were read, as text; a refusal may come sooner or later.
std::string read_all(std::string_view bytes, size_t step) {
  RequestReader reader({.header_bytes = 1024, .header_fields = 20});
  std::string input, found;
  for (size_t at = 0; at < bytes.size(); at += step) {
    input += bytes.substr(at, step);
    for (Progress progress = Progress::Header; progress != Progress::More;) {
      size_t used = 0;
      progress = reader.advance(input, used);
      if (used > input.size()) std::abort();
      input.erase(0, used);
      if (progress == Progress::Header && reader.limit_body(256) == Progress::Refused) {
        progress = Progress::Refused;
      }
      if (progress == Progress::Refused) return found;
      if (progress != Progress::Complete) continue;
      const Request& request = reader.request();
      found += request.method + request.path + request.body + '\n';
      for (const Field& field : request.headers) found += field.name + field.value + '\n';
      reader.reset();
    }
    if (input.size() > 2048) std::abort();
  }
  return found;
}

Router routes(std::optional<ResponseWriter>& late) {
  Router router;
  router.add("GET", "/w",
             [](Request, ResponseWriter writer) { writer.respond(text_response(200, "whole")); });
  router.add("POST", "/e/{x}", [](Request request, ResponseWriter writer) {
    writer.respond(text_response(200, request.body + std::string(request.param("x"))));
  });
  router.add("GET", "/s/{rest...}", [](Request request, ResponseWriter writer) {
    writer.start({.content_type = "text/event-stream"});
    writer.write("data: " + std::string(request.param("rest")) + "\n\n");
    if (request.query.empty()) writer.end();
  });
  router.add("GET", "/l", [&late](Request, ResponseWriter writer) { late = std::move(writer); });
  return router;
}

// The first bytes say what else happens: pieces, a client that does not read, time, its end.
void serve(const uint8_t* data, size_t size) {
  test::ManualClock clock;
  std::optional<ResponseWriter> late;
  test::MemorySite memory(
      routes(late),
      {.limits = {.header_bytes = 1024, .body_bytes = 256, .stream_buffer_bytes = 64}}, clock);
  const auto wire = memory.connect("a");
  for (size_t at = 3; at < size && !wire->is_closed;) {
    const size_t step = 1 + data[0] % 64;
    const auto* const text = reinterpret_cast<const char*>(data + at);
    memory.send(*wire, std::string_view(text, std::min(step, size - at)));
    at += step;
    const uint8_t act = static_cast<uint8_t>(data[1] + data[2] * at);
    if (act % 16 == 1) wire->takes_bytes = !wire->takes_bytes;
    if (act % 16 == 2 && late) late->start({.content_type = "text/event-stream"});
    if (act % 16 == 3 && late) late->write("data: piece\n\n");
    if (act % 16 == 4) late.reset();
    if (act % 16 == 5) clock.advance(5);
    if (act % 64 == 6) wire->client_has_ended = true;
    if (act % 64 == 7) wire->is_broken = true;
    if (act % 128 == 8) memory.loop.drain(clock.seconds() + 20, [] {});
    memory.tick(*wire);
  }
  wire->is_broken = true;
  memory.pump(*wire);
  if (memory.site.seats.taken() != 0 || memory.site.body_bytes != 0) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 4) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const std::string whole = read_all(bytes, size);
  if (read_all(bytes, 1 + data[0] % 9) != whole) std::abort();
  serve(data, size);
  return 0;
}
