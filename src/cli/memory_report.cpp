#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <verge/cli/memory_report.hpp>
#include <verge/core/units.hpp>

namespace verge::cli {
namespace {

double rate_gb_s(const runtime::StreamTotals& totals) {
  return totals.read_s > 0 ? static_cast<double>(totals.bytes) / totals.read_s * 1e-9 : 0;
}

}  // namespace

std::string show_residency(const runtime::Residency& residency) {
  return fmt::format("{} of weights stay, {} are streamed each run through a window of {}",
                     show_bytes(residency.pinned_bytes), show_bytes(residency.streamed_bytes),
                     show_bytes(residency.window_bytes));
}

std::string stream_summary(const model::LanguageModel& model) {
  if (model.stream() == nullptr) return {};
  const runtime::StreamTotals totals = model.stream()->totals();
  return fmt::format("{}; {} read at {:.2f} GB/s, waited for {:.2f} s",
                     show_residency(*model.residency()), show_bytes(totals.bytes),
                     rate_gb_s(totals), totals.wait_s);
}

void add_stream(const model::LanguageModel& model, nlohmann::ordered_json& json) {
  if (model.stream() == nullptr) return;
  const runtime::StreamTotals totals = model.stream()->totals();
  nlohmann::ordered_json stream = residency_json(*model.residency());
  stream["read_bytes"] = totals.bytes;
  stream["read_s"] = totals.read_s;
  stream["wait_s"] = totals.wait_s;
  json["stream"] = std::move(stream);
}

nlohmann::ordered_json residency_json(const runtime::Residency& residency) {
  return {{"pinned_bytes", residency.pinned_bytes},
          {"streamed_bytes", residency.streamed_bytes},
          {"window_bytes", residency.window_bytes},
          {"streamed_weights", residency.streamed.size()}};
}

}  // namespace verge::cli
