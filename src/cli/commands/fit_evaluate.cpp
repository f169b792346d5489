#include <nlohmann/json.hpp>

#include <verge/cli/command.hpp>
#include <verge/cli/interrupt.hpp>
#include <verge/cli/json.hpp>
#include <verge/cli/model_store.hpp>
#include <verge/cli/options.hpp>
#include <verge/cli/progress.hpp>
#include <verge/core/clock.hpp>
#include <verge/engine/quality/gate.hpp>

namespace verge::cli::commands {
namespace {

using nlohmann::ordered_json;

struct Options {
  ModelOptions model;
  std::string reference;
  std::string text;
  std::string choices;
  std::string pairs;
  std::string gate;
  quality::TextOptions scoring;
};

/// What the options ask for; read before any model is loaded, which takes longer.
struct Tasks {
  quality::Gate gate;
  std::vector<quality::Choice> choices;
  std::vector<quality::Pair> pairs;
};

std::vector<quality::Measure> promised(const Options& options) {
  std::vector<quality::Measure> list;
  const auto add = [&](const auto& more) { list.insert(list.end(), more.begin(), more.end()); };
  quality::TextQuality text;
  if (!options.reference.empty()) text.divergence.emplace();
  if (!options.text.empty()) add(quality::measures(text));
  if (!options.choices.empty()) add(quality::measures(quality::ChoiceQuality{}));
  if (!options.pairs.empty()) list.push_back({"pairs", {}});
  return list;
}

Result<Tasks> read_tasks(const Options& options) {
  if (options.text.empty() && options.choices.empty() && options.pairs.empty()) {
    return make_error(Code::InvalidArgument,
                      "nothing to measure; give --text FILE, --choices FILE or --pairs FILE");
  }
  if (!options.reference.empty() && options.text.empty()) {
    return make_error(Code::InvalidArgument, "--reference is compared on a text; give --text FILE");
  }
  Tasks tasks;
  VERGE_TRY(tasks.gate, quality::Gate::parse(options.gate));
  VERGE_RETURN_IF_ERROR(tasks.gate.check_names(promised(options)));
  if (!options.choices.empty()) {
    VERGE_TRY(tasks.choices, quality::read_choices(options.choices));
  }
  if (!options.pairs.empty()) {
    VERGE_TRY(tasks.pairs, quality::read_pairs(options.pairs));
  }
  return tasks;
}

class Evaluation {
 public:
  Evaluation(const Options& options, const Tasks& tasks, Context& context)
      : options_(options), tasks_(tasks), progress_(context, clock_) {}

  Result<std::vector<quality::Measure>> run() {
    VERGE_TRY(const auto pool, options_.model.threads.make_pool());
    VERGE_TRY(model::LoadOptions load, options_.model.load_options());
    load.max_outputs = quality::kRows;
    if (load.context == 0 && tasks_.choices.empty() && tasks_.pairs.empty()) {
      load.context = options_.scoring.chunk;
    }
    VERGE_TRY(const std::string path, model_path(options_.model.model));
    VERGE_TRY(const auto model, model::LanguageModel::load(path, load, *pool));
    if (!options_.text.empty()) VERGE_RETURN_IF_ERROR(add_text(*model, load, *pool));
    const quality::TaskOptions progress{show("tasks"), &catch_interrupts()};
    if (!tasks_.choices.empty()) {
      VERGE_TRY(const auto choices, quality::measure_choices(*model, tasks_.choices, progress));
      add(quality::measures(choices));
    }
    if (!tasks_.pairs.empty()) {
      VERGE_TRY(const auto pairs, quality::measure_pairs(*model, tasks_.pairs, progress));
      measured_.push_back({"pairs", pairs});
    }
    return std::move(measured_);
  }

 private:
  Status add_text(model::LanguageModel& model, model::LoadOptions load, ThreadPool& pool) {
    std::unique_ptr<model::LanguageModel> reference;
    if (!options_.reference.empty()) {
      VERGE_TRY(const std::string path, model_path(options_.reference));
      VERGE_TRY(reference, model::LanguageModel::load(path, load, pool));
    }
    VERGE_TRY(const auto tokens, quality::read_text(model, options_.text));
    quality::TextOptions scoring = options_.scoring;
    scoring.on_chunk = show("chunks");
    scoring.cancel = &catch_interrupts();
    VERGE_TRY(const auto text,
              quality::measure_text(model, reference.get(), tokens, pool, scoring));
    add(quality::measures(text));
    return {};
  }

  std::function<void(int64_t, int64_t)> show(const char* what) {
    return [this, what](int64_t done, int64_t all) {
      progress_.show(fmt::format("{} of {} {}", done, all, what));
    };
  }

  void add(const std::vector<quality::Measure>& more) {
    measured_.insert(measured_.end(), more.begin(), more.end());
  }

  const Options& options_;
  const Tasks& tasks_;
  const SystemClock clock_;
  Progress progress_;
  std::vector<quality::Measure> measured_;
};

void print_text(const std::vector<quality::Measure>& measured, std::ostream& out) {
  out << fmt::format("{:<10} {:>12} {:>12} {:>9}\n", "measure", "value", "std. error", "samples");
  for (const auto& [name, estimate] : measured) {
    out << fmt::format("{:<10} {:>12.5g} {:>12.2g} {:>9}\n", name, estimate.value,
                       estimate.standard_error, estimate.count);
  }
}

void print_json(const Options& options, const std::vector<quality::Measure>& measured,
                const std::vector<std::string>& failures, std::ostream& out) {
  ordered_json json = {{"model", options.model.model}};
  if (!options.reference.empty()) json["reference"] = options.reference;
  for (const auto& [name, estimate] : measured) {
    json["measures"][name] = {{"value", estimate.value},
                              {"standard_error", estimate.standard_error},
                              {"samples", estimate.count}};
  }
  if (!options.gate.empty()) json["gate"] = {{"rules", options.gate}, {"failures", failures}};
  print_json_line(json, out);
}

Status execute(const Options& options, Context& context) {
  VERGE_TRY(const Tasks tasks, read_tasks(options));
  VERGE_TRY(const auto measured, Evaluation(options, tasks, context).run());
  const auto failures = tasks.gate.failures(measured);
  if (context.json) {
    print_json(options, measured, failures, context.out);
  } else {
    print_text(measured, context.out);
  }
  if (failures.empty()) return {};
  return make_error(Code::Conflict, "{}: does not pass the gate: {}", options.model.model,
                    fmt::join(failures, "; "));
}

Action declare(Parser& parser, Context& context) {
  auto options = std::make_shared<Options>();
  options->model.declare(parser);
  parser.add_option("--reference", options->reference,
                    "The model before it was changed, to compare");
  parser.add_option("--text", options->text, "A text to predict: perplexity and divergence");
  parser.add_option("--chunk", options->scoring.chunk, "Tokens a chunk; its second half is scored");
  parser.add_option("--chunks", options->scoring.max_chunks, "Most chunks to read; 0 for all")
      .not_negative();
  parser.add_option("--choices", options->choices,
                    "Questions, one JSON object a line with query, choices and answer");
  parser.add_option("--pairs", options->pairs,
                    "Minimal pairs, one JSON object a line with sentence_good and sentence_bad");
  parser.add_option("--gate", options->gate,
                    "Bounds to keep, as kld<0.02,top1>0.95; exit status 1 otherwise");
  return [options, &context] { return execute(*options, context); };
}

}  // namespace

Command fit_evaluate() {
  return {"fit evaluate", "Models", "Measure what a change to a model cost",
          "  verge fit evaluate q4.gguf --reference f16.gguf --text wiki.txt --gate "
          "'kld<0.02,top1>0.95'\n"
          "  verge fit evaluate q4.gguf --pairs blimp.jsonl --json",
          declare};
}

}  // namespace verge::cli::commands
