#pragma once
// Tasks scored by the log-probability a model gives to texts: which of several answers it finds
// likeliest (multiple choice), which of two sentences (minimal pairs). One JSON object a line:
//
//   {"query": "Ice is", "choices": [" cold", " hot"], "answer": 0}
//   {"sentence_good": "The dogs bark.", "sentence_bad": "The dogs barks."}     as BLiMP's own files

#include <atomic>
#include <functional>
#include <string>
#include <vector>

#include <verge/engine/model/language_model.hpp>
#include <verge/engine/quality/estimate.hpp>

namespace verge::quality {

struct Choice {
  std::string query;
  std::vector<std::string> choices;
  size_t answer = 0;
};

struct Pair {
  std::string good;
  std::string bad;
};

/// Fail as read_whole_file, or with Malformed naming the line and the field; a file without a task
/// is Malformed.
Result<std::vector<Choice>> read_choices(const std::string& path);
Result<std::vector<Pair>> read_pairs(const std::string& path);

struct TaskOptions {
  std::function<void(int64_t done, int64_t all)> on_task = {};
  const std::atomic<bool>* cancel = nullptr;
};

struct ChoiceQuality {
  Estimate accuracy;             // by the sum of log-probabilities
  Estimate normalised_accuracy;  // by that sum over the choice's bytes
};

/// Share of questions whose answer is likeliest; of equals the first counts. Fails as
/// Session::append, naming the question.
Result<ChoiceQuality> measure_choices(model::LanguageModel& model,
                                      const std::vector<Choice>& choices,
                                      const TaskOptions& options);

/// Share of pairs whose good sentence is the likelier one; a tie is a failure.
Result<Estimate> measure_pairs(model::LanguageModel& model, const std::vector<Pair>& pairs,
                               const TaskOptions& options);

}  // namespace verge::quality
