#pragma once
// What `verge run` says of an answer.

#include <iosfwd>
#include <span>
#include <string>
#include <vector>

#include <verge/cli/speculation.hpp>
#include <verge/stages/serve/generate/generate.hpp>

namespace verge::cli {

struct RunReport {
  const serve::Generation& answer;
  const std::vector<int32_t>& prompt;
  const Speculation& speculation;
  const model::LanguageModel& model;
  double load_s;
  double time_to_first_token_s;  // from the start of the command, a delta and loading included
  const std::vector<std::string>& reference_nodes;

  int64_t cached_tokens() const {
    return static_cast<int64_t>(prompt.size()) - answer.prompt_tokens;
  }
};

void print_run_json(const RunReport& report, std::ostream& out);
/// Speeds and memory, and what was drafted and streamed.
void print_speed(const RunReport& report, std::ostream& err);

}  // namespace verge::cli
