#include <charconv>
#include <filesystem>

#include <verge/cli/model_store.hpp>
#include <verge/cli/options.hpp>
#include <verge/core/file.hpp>
#include <verge/core/machine.hpp>
#include <verge/core/units.hpp>
#include <verge/engine/model/decoder_options.hpp>

namespace verge::cli {

void ThreadOptions::declare(Parser& parser) {
  parser.add_option("-t,--threads", threads, "Threads; 0 for one a core");
}

Status ThreadOptions::check() const {
  const int cores = available_cores();
  if (threads < 0 || threads > cores) {
    return make_error(Code::InvalidArgument,
                      "--threads {}: this process may use {} cores; give 1 to {}", threads, cores,
                      cores);
  }
  return {};
}

Result<std::unique_ptr<ThreadPool>> ThreadOptions::make_pool() const {
  VERGE_RETURN_IF_ERROR(check());
  const int cores = available_cores();
  return std::make_unique<ThreadPool>(threads == 0 ? cores : threads);
}

void ModelOptions::declare(Parser& parser) {
  parser.add_option("MODEL", model, kModelHelp).required();
  parser.add_option("-c,--context", context,
                    "Most tokens of prompt and answer; 0 for the model's own, at most 4096");
  parser.add_option("--kv", kv, "Type of the KV cache: f32, f16, bf16 or q8_0");
  parser
      .add_option(
          "--isa", isa,
          "Kernels to use: generic, avx2, avx512 or avx512-bf16, on Arm neon or neon-dot; the best "
          "by default")
      .environment("VERGE_ISA");
  threads.declare(parser);
}

Result<model::LoadOptions> ModelOptions::load_options() const {
  model::LoadOptions options;
  options.context = context;
  const auto type = dtype_from_name(kv);
  if (!type || (*type != DType::F32 && *type != DType::F16 && *type != DType::BF16 &&
                *type != DType::Q8_0)) {
    return make_error(Code::InvalidArgument, "--kv {}: give f32, f16, bf16 or q8_0", kv);
  }
  options.kv_dtype = *type;
  VERGE_TRY(options.memory_bytes, size_option("--mem", memory));
  if (options.memory_bytes > 0) options.process_bytes = process_bytes();
  if (isa.empty()) return options;
  const auto wanted = kernels::isa_from_name(isa);
  if (!wanted || *wanted > kernels::best_isa()) {
    return make_error(Code::InvalidArgument, "--isa {}: this machine runs up to {}", isa,
                      kernels::name(kernels::best_isa()));
  }
  options.isa = *wanted;
  return options;
}

void ModelOptions::declare_memory(Parser& parser) {
  parser.add_option("--mem", memory,
                    "Most memory of all: 600M; weights that do not fit are read from the file "
                    "while the model runs");
}

void ModelOptions::declare_plan(Parser& parser) {
  parser.add_option("--plan", plan,
                    "A plan of this model by `verge compile`; compiled now without");
}

void ModelOptions::declare_lora(Parser& parser) {
  parser.add_option("--lora", lora,
                    "A LoRA adapter, FILE or FILE:SCALE: GGUF, or a folder that PEFT saved");
}

Result<std::unique_ptr<model::LanguageModel>> ModelOptions::load(ThreadPool& pool,
                                                                 int64_t max_outputs,
                                                                 int64_t paths) const {
  VERGE_TRY(model::LoadOptions options, load_options());
  options.plan = plan;
  options.max_outputs = max_outputs;
  if (!lora.empty()) options.adapters = {adapter_spec(lora)};
  VERGE_TRY(const std::string path, model_path(model));
  VERGE_RETURN_IF_ERROR(model::make_room_for_paths(path, paths, options));
  return model::LanguageModel::load(path, options, pool);
}

runtime::Session ModelOptions::session(model::LanguageModel& model) const {
  runtime::Session session = model.session();
  if (!lora.empty()) session.set_adapter(0);
  return session;
}

Status expect_other_file(const std::string& in, const std::string& out) {
  std::error_code error;
  const bool is_same =
      std::filesystem::equivalent(in, out, error) ||
      std::filesystem::path(in).lexically_normal() == std::filesystem::path(out).lexically_normal();
  if (!is_same) return {};
  return make_error(Code::InvalidArgument, "{}: is read and would be written; name another file",
                    out);
}

Result<int64_t> size_option(const char* option, const std::string& text) {
  if (text.empty()) return 0;
  const auto bytes = parse_bytes(text);
  if (!bytes) return make_error(Code::InvalidArgument, "{}: {}", option, bytes.error().message);
  if (*bytes == 0) {
    return make_error(Code::InvalidArgument, "{} {}: give more than nothing, or leave it out",
                      option, text);
  }
  return *bytes;
}

int64_t process_bytes() {
  // Tokenizer, sampler and what is said; measured beside models with 32 to 150 thousand tokens.
  constexpr int64_t kBuffers = int64_t{24} << 20;
  return resident_bytes() + kBuffers;
}

model::AdapterSpec adapter_spec(const std::string& text) {
  model::AdapterSpec spec{"lora", text};
  const size_t colon = text.rfind(':');
  std::error_code error;
  if (colon == std::string::npos || std::filesystem::exists(text, error)) return spec;
  const char* end = text.data() + text.size();
  float scale = 0;
  const auto [stop, failure] = std::from_chars(text.data() + colon + 1, end, scale);
  if (failure == std::errc() && stop == end) spec = {"lora", text.substr(0, colon), scale};
  return spec;
}

void GrammarOptions::declare(Parser& parser) {
  parser.add_option("--grammar", grammar, "Answer within the GBNF grammar of this file");
  parser.add_option("--json-schema", json_schema,
                    "Answer with JSON that this schema allows: a file, or the schema itself");
}

Result<std::shared_ptr<const text::Grammar>> GrammarOptions::read() const {
  if (grammar.empty() && json_schema.empty()) return std::shared_ptr<const text::Grammar>();
  if (!grammar.empty() && !json_schema.empty()) {
    return make_error(Code::InvalidArgument, "give --grammar or --json-schema, not both");
  }
  const size_t start = json_schema.find_first_not_of(" \t\r\n");
  if (start != std::string::npos && json_schema[start] == '{') {
    return text::Grammar::from_json_schema(json_schema);
  }
  const std::string& path = grammar.empty() ? json_schema : grammar;
  VERGE_TRY(const std::string bytes, read_whole_file(path, size_t{1} << 20));
  auto read =
      grammar.empty() ? text::Grammar::from_json_schema(bytes) : text::Grammar::from_gbnf(bytes);
  if (read) return read;
  return make_error(read.error().code, "{}: {}", path, read.error().message);
}

void declare_sampling(Parser& parser, text::SamplerOptions& options) {
  const auto add = [&](const char* names, auto& value, const char* text) {
    parser.add_option(names, value, text).group("Sampling");
  };
  add("--temp", options.temperature, "Temperature; 0 takes the likeliest token");
  add("--top-k", options.top_k, "Only the k likeliest tokens; 0 is off");
  add("--top-p", options.top_p, "Only the likeliest tokens that sum to this probability; 1 is off");
  add("--min-p", options.min_p, "Only tokens of at least this share of the likeliest; 0 is off");
  add("--typical-p", options.typical_p, "Locally typical sampling; 1 is off");
  add("--repeat-penalty", options.repetition_penalty, "Divides logits of recent tokens; 1 is off");
  add("--frequency-penalty", options.frequency_penalty,
      "Per occurrence among recent tokens; 0 is off");
  add("--presence-penalty", options.presence_penalty, "Once for each recent token; 0 is off");
  add("--penalty-window", options.penalty_window, "How many recent tokens count; -1 for all");
  add("--mirostat", options.mirostat_tau, "Mirostat 2 target surprise in bits; 0 is off");
  add("--mirostat-lr", options.mirostat_eta, "Mirostat learning rate");
  add("--seed", options.seed, "Seed of the draws");
}

}  // namespace verge::cli
