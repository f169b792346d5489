#include <map>
#include <optional>

#include <nlohmann/json.hpp>

#include <verge/cli/command.hpp>
#include <verge/cli/config_file.hpp>
#include <verge/cli/delta_report.hpp>
#include <verge/cli/inspect_graph.hpp>
#include <verge/cli/json.hpp>
#include <verge/cli/memory_report.hpp>
#include <verge/cli/model_store.hpp>
#include <verge/cli/network_inspect.hpp>
#include <verge/cli/network_options.hpp>
#include <verge/cli/options.hpp>
#include <verge/cli/parser.hpp>
#include <verge/core/clock.hpp>
#include <verge/core/machine.hpp>
#include <verge/core/units.hpp>
#include <verge/engine/format/safetensors/reader.hpp>
#include <verge/engine/model/file_facts.hpp>
#include <verge/engine/model/model_residency.hpp>
#include <verge/engine/model/split_facts.hpp>

namespace verge::cli::commands {
namespace {

using nlohmann::ordered_json;

struct Options {
  std::string model;
  int64_t context = 0;
  std::string memory;
  GraphOptions graph;
  BackendOptions backend;
  ShapeOptions shapes;
};

struct TypeSum {
  int tensors = 0;
  int64_t values = 0;
  int64_t bytes = 0;
};

// Below --mem.
struct Ceiling {
  int64_t bytes = 0;
  runtime::Residency residency = {};
  double storage_bytes_per_s = 0;

  // What reading alone takes of each run, in seconds.
  double read_s() const {
    return static_cast<double>(residency.streamed_bytes) / storage_bytes_per_s;
  }
};

struct Facts {
  nn::DecoderConfig config;
  text::Vocabulary vocabulary;
  model::MemoryNeed memory;
  std::optional<model::SplitFacts> split;
  std::optional<Ceiling> ceiling;
  int64_t parameters = 0;
  std::map<std::string, TypeSum> types;
};

Result<Ceiling> plan_ceiling(const format::ModelSource& source, const model::LoadOptions& options) {
  VERGE_TRY(const runtime::PlanFile compiled,
            model::compile_model(source, options, available_cores()));
  Ceiling ceiling{.bytes = options.memory_bytes};
  VERGE_TRY(ceiling.residency, model::model_residency(source, compiled, options));
  VERGE_TRY(ceiling.storage_bytes_per_s, model::storage_rate(source, SystemClock()));
  return ceiling;
}

Result<Facts> read_facts(const format::ModelSource& source, model::LoadOptions options) {
  Facts facts;
  VERGE_TRY(facts.split, model::read_split(source));
  if (facts.split) options.layers = facts.split->layers;
  VERGE_TRY(facts.config, nn::read_config(model::FileFacts(source)));
  VERGE_TRY(facts.vocabulary, model::read_vocabulary(source));
  if (options.memory_bytes > 0) {
    VERGE_TRY(facts.ceiling, plan_ceiling(source, options));
  }
  options.memory_bytes = 0;  // what it takes without
  VERGE_TRY(facts.memory, model::plan_memory_need(source, options));
  for (const format::StoredTensor& tensor : source.tensors()) {
    TypeSum& sum = facts.types[tensor.type_name];
    sum.tensors += 1;
    sum.values += tensor.shape.count();
    sum.bytes += static_cast<int64_t>(tensor.bytes.size());
    facts.parameters += tensor.shape.count();
  }
  return facts;
}

std::string_view chat_template(const format::ModelSource& source) {
  const auto text = source.metadata.get_string("tokenizer.chat_template", std::string_view());
  return text ? *text : std::string_view();
}

// For people: a template's first line, cut.
std::string first_line(std::string_view text) {
  constexpr size_t kMost = 60;
  const std::string_view line = text.substr(0, text.find('\n'));
  return line.size() <= kMost ? std::string(line) : std::string(line.substr(0, kMost)) + "...";
}

ordered_json hyper_parameters(const nn::DecoderConfig& config) {
  ordered_json json = {{"d_model", config.d_model},   {"layers", config.layers},
                       {"heads", config.heads},       {"kv_heads", config.kv_heads},
                       {"head_dim", config.head_dim}, {"ffn_dim", config.ffn_dim},
                       {"vocab", config.vocab},       {"context", config.context},
                       {"norm_eps", config.norm_eps}, {"rope_base", config.rope.base}};
  if (!config.exit_layers.empty()) json["exits"] = config.exit_layers;
  if (config.window > 0) json["window"] = config.window;
  if (config.moe.experts > 0) json["experts"] = config.moe.experts;
  if (config.moe.experts > 0) json["experts_used"] = config.moe.experts_used;
  return json;
}

ordered_json tensors_json(std::span<const format::StoredTensor> tensors) {
  ordered_json list = ordered_json::array();
  for (const format::StoredTensor& tensor : tensors) {
    list.push_back({{"name", tensor.name},
                    {"type", tensor.type_name},
                    {"shape", tensor.shape.extents()},
                    {"bytes", tensor.bytes.size()}});
  }
  return list;
}

void print_tensors(std::span<const format::StoredTensor> tensors, std::ostream& out) {
  out << fmt::format("\n{:<32} {:<8} {:<20} {:>12}\n", "tensor", "type", "shape", "bytes");
  for (const format::StoredTensor& tensor : tensors) {
    out << fmt::format("{:<32} {:<8} {:<20} {:>12}\n", tensor.name, tensor.type_name,
                       tensor.shape.str(), tensor.bytes.size());
  }
}

void print_json(const format::ModelSource& source, const Facts& facts, std::ostream& out) {
  ordered_json types = ordered_json::object();
  for (const auto& [type, sum] : facts.types) {
    types[type] = {{"tensors", sum.tensors}, {"values", sum.values}, {"bytes", sum.bytes}};
  }
  ordered_json json = {{"file", source.path},
                       {"format", source.format},
                       {"architecture", facts.config.architecture},
                       {"parameters", facts.parameters},
                       {"hyper_parameters", hyper_parameters(facts.config)},
                       {"tokenizer",
                        {{"model", facts.vocabulary.model},
                         {"pre", facts.vocabulary.pre},
                         {"tokens", facts.vocabulary.tokens.size()}}},
                       {"chat_template", chat_template(source)},
                       {"memory",
                        {{"weights_bytes", facts.memory.weights_bytes},
                         {"kv_bytes", facts.memory.kv_bytes},
                         {"arena_bytes", facts.memory.arena_bytes},
                         {"total_bytes", facts.memory.total()},
                         {"available_bytes", available_memory_bytes()}}},
                       {"types", types},
                       {"tensors", tensors_json(source.tensors())}};
  if (facts.split) {
    json["split"] = {{"model_hash", facts.split->model},
                     {"tokenizer_hash", facts.split->tokenizer},
                     {"layers", {facts.split->layers.first, facts.split->layers.end}},
                     {"exits", facts.split->exits}};
  }
  if (facts.ceiling) {
    json["ceiling"] = residency_json(facts.ceiling->residency);
    json["ceiling"]["bytes"] = facts.ceiling->bytes;
    json["ceiling"]["storage_bytes_per_s"] = facts.ceiling->storage_bytes_per_s;
    json["ceiling"]["read_s"] = facts.ceiling->read_s();
  }
  print_json_line(json, out);
}

double mib(int64_t bytes) {
  return static_cast<double>(bytes) / (1 << 20);
}

void print_text(const format::ModelSource& source, const Facts& facts, std::ostream& out) {
  out << fmt::format("{}: {}, {}, {:.2f} M parameters\n", source.path, source.format,
                     facts.config.architecture, static_cast<double>(facts.parameters) * 1e-6);
  const ordered_json hyper = hyper_parameters(facts.config);
  for (const auto& [key, value] : hyper.items()) {
    out << fmt::format("  {:<12} {}\n", key, value.dump());
  }
  if (facts.split) {
    out << fmt::format("split         layers {} to {} of {}, exits after {}, of model {}\n",
                       facts.split->layers.first, facts.split->layers.end, facts.config.layers,
                       fmt::join(facts.split->exits, " and "), facts.split->model);
  }
  out << fmt::format("tokenizer     {} {}, {} tokens\n", facts.vocabulary.model,
                     facts.vocabulary.pre, facts.vocabulary.tokens.size());
  const std::string_view chat = chat_template(source);
  out << "chat template " << (chat.empty() ? "none" : first_line(chat)) << "\n";
  const model::MemoryNeed& need = facts.memory;
  out << fmt::format(
      "memory        weights {:.1f} + KV {:.1f} + activations {:.1f} = {:.1f} MiB, of {:.0f} "
      "available\n",
      mib(need.weights_bytes), mib(need.kv_bytes), mib(need.arena_bytes), mib(need.total()),
      mib(available_memory_bytes()));
  if (facts.ceiling) {
    out << fmt::format("ceiling       {}: {}; {:.0f} ms of reading at {:.2f} GB/s\n",
                       show_bytes(facts.ceiling->bytes), show_residency(facts.ceiling->residency),
                       facts.ceiling->read_s() * 1e3, facts.ceiling->storage_bytes_per_s * 1e-9);
  }
  out << "\ntype     tensors       values          KiB\n";
  for (const auto& [type, sum] : facts.types) {
    out << fmt::format("{:<8} {:>7} {:>12} {:>12.1f}\n", type, sum.tensors, sum.values,
                       static_cast<double>(sum.bytes) / 1024);
  }
  print_tensors(source.tensors(), out);
}

// One safetensors file by itself, as `train image` writes: what it says of itself, and its tensors.
Status inspect_safetensors(const std::string& path, Context& context) {
  VERGE_TRY(const format::Safetensors file, format::Safetensors::open(path));
  ordered_json metadata = ordered_json::object();
  std::string architecture = "unknown";
  for (const auto& [key, value] : file.metadata()) {
    metadata[key] = value;
    if (key == "verge.architecture") architecture = value;
  }
  int64_t parameters = 0;
  for (const format::StoredTensor& tensor : file.tensors()) parameters += tensor.shape.count();
  if (context.json) {
    const ordered_json json = {{"file", path},
                               {"format", "safetensors"},
                               {"architecture", architecture},
                               {"parameters", parameters},
                               {"metadata", metadata},
                               {"tensors", tensors_json(file.tensors())}};
    print_json_line(json, context.out);
    return {};
  }
  context.out << fmt::format("{}: safetensors, {}, {:.2f} M parameters\n", path, architecture,
                             static_cast<double>(parameters) * 1e-6);
  for (const auto& [key, value] : file.metadata()) {
    context.out << fmt::format("  {:<28} {}\n", key, value);
  }
  print_tensors(file.tensors(), context.out);
  return {};
}

// Which are of inspect_partition alone. What the configuration file says is for when it is asked.
Status refuse_shapes(const Options& options, const Context& context) {
  for (const std::string key : {"shape", "value"}) {
    if (!ConfigFile::is_on_command_line(*context.root, key)) continue;
    return make_error(Code::InvalidArgument,
                      "{}: --{} says for which inputs a network is shared out; give --backend as "
                      "well",
                      options.model, key);
  }
  return {};
}

Status execute(const Options& options, Context& context) {
  if (is_network(options.model) && options.backend.is_asked(context)) {
    return inspect_partition(options.model, options.shapes, options.backend, context);
  }
  VERGE_RETURN_IF_ERROR(refuse_shapes(options, context));
  VERGE_RETURN_IF_ERROR(options.backend.refuse_language_model(options.model, context));
  if (runtime::is_delta(options.model)) return inspect_delta(options.model, context);
  if (is_network(options.model)) return inspect_network(options.model, context);
  if (options.model.ends_with(".safetensors")) return inspect_safetensors(options.model, context);
  VERGE_TRY(const std::string path, model_path(options.model));
  VERGE_TRY(auto source, format::ModelSource::open(path));
  source.path = options.model;  // a stored model by its name
  model::LoadOptions load_options;
  load_options.context = options.context;
  VERGE_TRY(load_options.memory_bytes, size_option("--mem", options.memory));
  if (load_options.memory_bytes > 0) load_options.process_bytes = process_bytes();
  if (options.graph.any()) return inspect_graph(options.graph, source, load_options, context);
  VERGE_TRY(const Facts facts, read_facts(source, load_options));
  if (context.json) {
    print_json(source, facts, context.out);
  } else {
    print_text(source, facts, context.out);
  }
  return {};
}

Action declare(Parser& parser, Context& context) {
  auto options = std::make_shared<Options>();
  parser.add_option("MODEL", options->model, kModelHelp).required();
  parser.add_option("-c,--context", options->context, "Tokens of context to plan the memory for");
  parser.add_option("--mem", options->memory,
                    "Plan for a ceiling as `run` does: what stays in memory, what is streamed");
  options->graph.declare(parser);
  options->backend.declare(parser);
  options->shapes.declare(parser);
  return [options, &context] { return execute(*options, context); };
}

}  // namespace

Command inspect() {
  return {"inspect", "Models",
          "Show what a model file or a delta holds and the memory it will take",
          "  verge inspect digits.safetensors\n"
          "  verge inspect mine.vdelta\n"
          "  verge inspect net.onnx\n"
          "  verge inspect net.onnx --shape x=1x3x224x224 --backend onednn\n"
          "  verge inspect model.gguf --context 8192\n"
          "  verge inspect model.gguf --mem 600M\n"
          "  verge inspect model.gguf --graph svg > graph.svg\n"
          "  verge inspect model.gguf --for train --memory-svg memory.svg --passes",
          declare};
}

}  // namespace verge::cli::commands
