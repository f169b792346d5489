// Any bytes as a link's trace: what is read is one, and messages over it arrive in their order,
// none before it was handed over.

#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include <verge/platform/net/link/link_model.hpp>

namespace {

using namespace verge;

void send_over(const net::LinkTrace& trace) {
  auto link = net::LinkModel::make(
      {.trace = trace, .bucket_bytes = 1000, .jitter_s = 0.01, .loss = 0.1, .seed = 1});
  if (!link) std::abort();
  double last_s = 0;
  for (const double now_s : {0.0, 0.0, 0.5, 3.0, 1e3, 1e9}) {
    const double there_s = link->arrival(now_s, 4000);
    if (!(there_s >= now_s && there_s >= last_s)) std::abort();
    last_s = there_s;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto traces = net::parse_link_traces(text, "trace.csv");
  if (!traces) return traces.error().message.empty() ? -1 : 0;
  for (const net::LinkTrace& trace : *traces) send_over(trace);
  return 0;
}
