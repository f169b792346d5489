#include <algorithm>

#include <verge/engine/model/file_facts.hpp>
#include <verge/stages/serve/api/model_directory.hpp>

namespace verge::serve::api {
namespace {

constexpr std::string_view kLatest = ":latest";
constexpr size_t kLongestShown = 100;

Result<std::shared_ptr<const ModelEntry>> make_entry(std::shared_ptr<const ModelFace> face,
                                                     size_t grammar_bytes) {
  VERGE_TRY(const auto chat_template, model::read_chat_template(face->source.metadata));
  const std::shared_ptr<const text::Tokenizer> tokenizer(face, face->tokenizer.get());
  VERGE_TRY(PromptMaker prompts, PromptMaker::make(tokenizer, chat_template));
  return std::shared_ptr<const ModelEntry>(
      new ModelEntry{std::move(face), std::move(prompts), Constraints(tokenizer, grammar_bytes)});
}

}  // namespace

void ModelEntry::check_bytes(size_t bytes, const char* param, Problem& problem) const {
  const auto most = static_cast<size_t>(face->limit());
  if (bytes / prompts.longest_piece() <= most) return;
  problem.report({400, "context_length_exceeded",
                  fmt::format("a text of {} bytes; {} takes at most {} tokens; shorten it", bytes,
                              face->name, most),
                  param});
}

std::string ModelDirectory::resolve(std::string_view name, const Caller& caller,
                                    Problem& problem) const {
  const std::vector<std::string> known = names(caller);
  std::string_view wanted = name;
  const auto is_known = [&] { return std::ranges::find(known, wanted) != known.end(); };
  if (!is_known() && wanted.ends_with(kLatest)) wanted.remove_suffix(kLatest.size());
  if (is_known()) {
    const std::string adapter = adapter_of(wanted);
    if (!adapter.empty()) wanted.remove_suffix(adapter.size() + 1);
    return std::string(wanted);
  }
  problem.report({404, "model_not_found",
                  fmt::format("there is no model \"{}\" here; GET /v1/models lists those there are",
                              name.substr(0, kLongestShown)),
                  "model"});
  return {};
}

std::string ModelDirectory::name_or_only(std::string name, const Caller& caller,
                                         Problem& problem) const {
  if (!name.empty()) return name;
  std::vector<std::string> bases = names(caller);
  std::erase_if(bases, [&](const std::string& one) { return !adapter_of(one).empty(); });
  if (bases.size() == 1) return bases.front();
  problem.report(invalid_field(
      "model", "model is missing, and not one but several are served; GET /v1/models lists them",
      "missing_field"));
  return name;
}

std::shared_ptr<const ModelEntry> ModelDirectory::find(const std::string& name, Problem& problem) {
  {
    const std::lock_guard lock(mutex_);
    const auto known = entries_.find(name);
    if (known != entries_.end()) return known->second;
  }
  auto face = pool_.face(name);
  if (!face) {
    problem.report(from_error(face.error()));
    return nullptr;
  }
  auto entry = make_entry(std::move(*face), grammar_bytes_);
  if (!entry) {
    problem.report(from_error(entry.error()));
    return nullptr;
  }
  const std::lock_guard lock(mutex_);
  return entries_.try_emplace(name, std::move(*entry)).first->second;
}

std::shared_ptr<const ModelEntry> ModelDirectory::open(std::string_view name, const Caller& caller,
                                                       Problem& problem) {
  const std::string known = resolve(name, caller, problem);
  return problem ? nullptr : find(known, problem);
}

std::vector<std::string> ModelDirectory::names(const Caller& caller) const {
  std::vector<std::string> names;
  for (const std::string& base : pool_.names()) {
    const bool whole = caller.may_use(base);
    if (whole) names.push_back(base);
    for (const std::string& adapter : adapters_of(base)) {
      const std::string name = base + ":" + adapter;
      if (whole || caller.may_use(name)) names.push_back(name);
    }
  }
  return names;
}

// None for a file that cannot be read: that is said when it is used.
std::vector<std::string> ModelDirectory::adapters_of(const std::string& base) const {
  const auto face = pool_.face(base);
  return face ? (*face)->adapters : std::vector<std::string>();
}

std::string ModelDirectory::adapter_of(std::string_view name) const {
  for (const std::string& base : pool_.names()) {
    if (!name.starts_with(base + ":")) continue;
    std::string_view adapter = name.substr(base.size() + 1);
    const std::vector<std::string> known = adapters_of(base);
    const auto is_known = [&] { return std::ranges::find(known, adapter) != known.end(); };
    if (!is_known() && adapter.ends_with(kLatest)) adapter.remove_suffix(kLatest.size());
    if (is_known()) return std::string(adapter);
  }
  return {};
}

}  // namespace verge::serve::api
