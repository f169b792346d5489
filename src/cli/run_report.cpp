#include <ostream>

#include <nlohmann/json.hpp>

#include <verge/cli/json.hpp>
#include <verge/cli/memory_report.hpp>
#include <verge/cli/run_report.hpp>
#include <verge/core/machine.hpp>

namespace verge::cli {
namespace {

using nlohmann::ordered_json;

ordered_json to_json(const serve::TokenLogprobs& entry) {
  ordered_json top = ordered_json::array();
  for (const auto& other : entry.top)
    top.push_back({{"token", other.token}, {"logprob", other.logprob}});
  return {{"token", entry.chosen.token}, {"logprob", entry.chosen.logprob}, {"top", top}};
}

}  // namespace

void print_run_json(const RunReport& report, std::ostream& out) {
  const serve::Generation& answer = report.answer;
  ordered_json logprobs = ordered_json::array();
  for (const auto& entry : answer.logprobs) logprobs.push_back(to_json(entry));
  ordered_json json = {{"text", answer.text},
                       {"tokens", answer.tokens},
                       {"prompt_tokens", report.prompt},
                       {"cached_tokens", report.cached_tokens()},
                       {"logprobs", logprobs},
                       {"stop_reason", serve::name(answer.reason)},
                       {"load_s", report.load_s},
                       {"time_to_first_token_s", report.time_to_first_token_s},
                       {"prefill_tokens_per_s", answer.prefill_tokens_per_s()},
                       {"decode_tokens_per_s", answer.decode_tokens_per_s()},
                       {"peak_rss_bytes", peak_rss_bytes()}};
  json["reference_nodes"] = report.reference_nodes;
  report.speculation.report(json);
  add_stream(report.model, json);
  print_json_line(json, out);
}

void print_speed(const RunReport& report, std::ostream& err) {
  const serve::Generation& answer = report.answer;
  const std::string cached =
      report.cached_tokens() > 0 ? fmt::format(" ({} cached)", report.cached_tokens()) : "";
  err << fmt::format(
      "\nprompt: {} tokens{} at {:.0f}/s | answer: {} tokens at {:.1f}/s | first token after "
      "{:.0f} "
      "ms | "
      "memory: {:.0f} MiB\n",
      report.prompt.size(), cached, answer.prefill_tokens_per_s(), answer.tokens.size(),
      answer.decode_tokens_per_s(), report.time_to_first_token_s * 1e3,
      static_cast<double>(peak_rss_bytes()) / (1 << 20));
  if (const std::string drafts = report.speculation.summary(); !drafts.empty())
    err << drafts << "\n";
  if (const std::string line = stream_summary(report.model); !line.empty()) err << line << "\n";
}

}  // namespace verge::cli
