#pragma once
// ModelDirectory: the served models as callers name them, each with what makes its prompts.

#include <algorithm>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include <verge/stages/serve/api/access/gate.hpp>
#include <verge/stages/serve/api/constraints.hpp>
#include <verge/stages/serve/api/prompt_maker.hpp>
#include <verge/stages/serve/scheduler/model_pool.hpp>

namespace verge::serve::api {

/// Any thread.
struct ModelEntry {
  std::shared_ptr<const ModelFace> face;
  PromptMaker prompts;
  Constraints constraints;

  /// Reports context_length_exceeded for a text that cannot fit whatever its tokens are: found
  /// before it is tokenized, which takes seconds for megabytes.
  void check_bytes(size_t bytes, const char* param, Problem& problem) const;
};

/// Any thread.
class ModelDirectory {
 public:
  /// `grammar_bytes`: of compiled grammars that are kept, of all models together.
  explicit ModelDirectory(ModelPool& pool, size_t grammar_bytes = size_t{256} << 20)
      : pool_(pool), grammar_bytes_(grammar_bytes / std::max<size_t>(pool.names().size(), 1)) {}

  /// The name that the pool knows: itself, or without Ollama's ":latest", or without the adapter of
  /// "base:adapter". Reports 404 model_not_found for one that is not there, and alike for one the
  /// caller may not use.
  std::string resolve(std::string_view name, const Caller& caller, Problem& problem) const;
  /// `name`, or where a request gives none, the only model that the caller may use.
  std::string name_or_only(std::string name, const Caller& caller, Problem& problem) const;
  /// The adapter of "base:adapter"; empty for a base.
  std::string adapter_of(std::string_view name) const;
  /// Reads the file at the first call; reports what is wrong with it.
  std::shared_ptr<const ModelEntry> find(const std::string& name, Problem& problem);
  /// resolve() and find(); null after a problem.
  std::shared_ptr<const ModelEntry> open(std::string_view name, const Caller& caller,
                                         Problem& problem);
  /// What the caller may use: each base, then its adapters as "base:adapter".
  std::vector<std::string> names(const Caller& caller) const;

 private:
  std::vector<std::string> adapters_of(const std::string& base) const;

  ModelPool& pool_;
  size_t grammar_bytes_;  // of each model
  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<const ModelEntry>> entries_;
};

}  // namespace verge::serve::api
