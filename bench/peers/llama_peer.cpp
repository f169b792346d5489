// llama_peer: llama.cpp by its C interface, for parity tests and side-by-side benchmarks. Each
// command prints one JSON object. Exit status 0, 1 (failed) or 2 (wrong use).

#include <cstdio>
#include <fstream>
#include <functional>
#include <iostream>
#include <iterator>
#include <stdexcept>

#include <nlohmann/json.hpp>

#include "llama_bench.hpp"
#include "llama_model.hpp"
#include "llama_serve.hpp"
#include "process.hpp"

namespace {

using nlohmann::json;

constexpr const char* kUsage =
    "llama_peer COMMAND, one of\n"
    "  tokenize MODEL [--no-special] [--parse-special]   text from stdin to token ids\n"
    "  detokenize MODEL --tokens 1,2,3\n"
    "  logits MODEL --tokens 1,2,3 --out FILE            f32 [tokens, vocab], little-endian\n"
    "  generate MODEL -p TEXT | --tokens 1,2,3  -n N [--ignore-eos]    greedy\n"
    "  bench MODEL [--prompt-tokens P] [--gen-tokens G] [--repeat R]\n"
    "  serve MODEL WORKLOAD --slots N                    many requests at once, see bench/serve\n"
    "  template MODEL [--no-generation-prompt]           [{role, content}] from stdin to a prompt\n"
    "  quantize IN OUT TYPE [--pure]                     q4_0, q8_0, q4_k_m, ...\n"
    "  encode TYPE IN OUT --columns N                    raw f32 rows to blocks\n"
    "  decode TYPE IN OUT --columns N                    blocks to raw f32 rows\n"
    "and of a model's run: [--threads T] [--kv f32] [--flash on|off] [--plain] [--unified] [--lora "
    "FILE]\n";

std::string read_all(std::istream& stream) {
  return {std::istreambuf_iterator<char>(stream), {}};
}

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error(path + " cannot be read");
  return read_all(file);
}

void write_file(const std::string& path, const void* data, size_t bytes) {
  std::ofstream file(path, std::ios::binary);
  file.write(static_cast<const char*>(data), static_cast<std::streamsize>(bytes));
  if (!file.flush()) throw std::runtime_error(path + " cannot be written");
}

json tokenize_text(const Options& options) {
  const ModelPointer model = load_model(options.word(1), options, true);
  const llama_vocab* vocab = llama_model_get_vocab(model.get());
  return {{"tokens", tokenize(vocab, read_all(std::cin), !options.has("--no-special"),
                              options.has("--parse-special"))}};
}

json detokenize_ids(const Options& options) {
  const ModelPointer model = load_model(options.word(1), options, true);
  return {{"text", detokenize(llama_model_get_vocab(model.get()), options.numbers("--tokens"))}};
}

json logits(const Options& options) {
  const std::vector<llama_token> tokens = options.numbers("--tokens");
  const ModelPointer model = load_model(options.word(1), options);
  const ContextPointer context =
      make_context(model.get(), options, static_cast<int>(tokens.size()));
  attach_adapter(model.get(), context.get(), options);
  std::vector<float> values;
  decode(context.get(), tokens, 0, &values);
  write_file(options.text("--out", "logits.f32"), values.data(), values.size() * sizeof(float));
  return {{"tokens", tokens.size()}, {"vocab", values.size() / tokens.size()}};
}

json generate(const Options& options) {
  const ModelPointer model = load_model(options.word(1), options);
  const llama_vocab* vocab = llama_model_get_vocab(model.get());
  std::vector<llama_token> prompt = options.numbers("--tokens");
  if (options.has("-p")) prompt = tokenize(vocab, options.text("-p", ""), true, true);
  if (prompt.empty()) throw std::invalid_argument("an empty prompt: give -p or --tokens");
  const int count = options.number("-n", 16);
  const int prompt_size = static_cast<int>(prompt.size());
  const ContextPointer context = make_context(model.get(), options, prompt_size + count);
  attach_adapter(model.get(), context.get(), options);
  decode(context.get(), prompt, 0);
  std::vector<llama_token> tokens;
  for (int i = 0; i < count; ++i) {
    const llama_token token = greedy(context.get());
    if (llama_vocab_is_eog(vocab, token) && !options.has("--ignore-eos")) break;
    tokens.push_back(token);
    decode(context.get(), {&token, 1}, prompt_size + i);
  }
  return {{"prompt", prompt}, {"tokens", tokens}, {"text", detokenize(vocab, tokens)}};
}

json apply_template(const Options& options) {
  const ModelPointer model = load_model(options.word(1), options, true);
  const char* source = llama_model_chat_template(model.get(), nullptr);
  if (source == nullptr) throw std::runtime_error(options.word(1) + " has no chat template");
  const json messages = json::parse(read_all(std::cin));
  std::vector<std::pair<std::string, std::string>> parts;
  for (const json& message : messages) parts.emplace_back(message["role"], message["content"]);
  std::vector<llama_chat_message> chat;
  for (const auto& [role, content] : parts) chat.push_back({role.c_str(), content.c_str()});
  std::vector<char> prompt(1 << 20);
  const int length = llama_chat_apply_template(source, chat.data(), chat.size(),
                                               !options.has("--no-generation-prompt"),
                                               prompt.data(), static_cast<int>(prompt.size()));
  if (length < 0) throw std::runtime_error("llama.cpp does not know this template");
  return {{"prompt", std::string(prompt.data(), static_cast<size_t>(length))}};
}

llama_ftype file_type(const std::string& name) {
  static const std::map<std::string, llama_ftype> kTypes = {
      {"f32", LLAMA_FTYPE_ALL_F32},          {"f16", LLAMA_FTYPE_MOSTLY_F16},
      {"bf16", LLAMA_FTYPE_MOSTLY_BF16},     {"q4_0", LLAMA_FTYPE_MOSTLY_Q4_0},
      {"q4_1", LLAMA_FTYPE_MOSTLY_Q4_1},     {"q5_0", LLAMA_FTYPE_MOSTLY_Q5_0},
      {"q5_1", LLAMA_FTYPE_MOSTLY_Q5_1},     {"q8_0", LLAMA_FTYPE_MOSTLY_Q8_0},
      {"q2_k", LLAMA_FTYPE_MOSTLY_Q2_K},     {"q3_k_m", LLAMA_FTYPE_MOSTLY_Q3_K_M},
      {"q4_k_s", LLAMA_FTYPE_MOSTLY_Q4_K_S}, {"q4_k_m", LLAMA_FTYPE_MOSTLY_Q4_K_M},
      {"q5_k_m", LLAMA_FTYPE_MOSTLY_Q5_K_M}, {"q6_k", LLAMA_FTYPE_MOSTLY_Q6_K},
      {"iq4_nl", LLAMA_FTYPE_MOSTLY_IQ4_NL}, {"iq4_xs", LLAMA_FTYPE_MOSTLY_IQ4_XS},
      {"tq1_0", LLAMA_FTYPE_MOSTLY_TQ1_0},   {"tq2_0", LLAMA_FTYPE_MOSTLY_TQ2_0}};
  const auto found = kTypes.find(name);
  if (found == kTypes.end()) throw std::invalid_argument("no file type " + name);
  return found->second;
}

json quantize(const Options& options) {
  llama_model_quantize_params params = llama_model_quantize_default_params();
  params.ftype = file_type(options.word(3));
  params.pure = options.has("--pure");
  params.nthread = options.number("--threads", 2);
  params.allow_requantize = true;
  const int64_t start = now_ns();
  if (llama_model_quantize(options.word(1).c_str(), options.word(2).c_str(), &params) != 0) {
    throw std::runtime_error(options.word(1) + " was not quantized");
  }
  return {{"out", options.word(2)}, {"type", options.word(3)}, {"ms", ms_since(start)}};
}

ggml_type block_type(const std::string& name) {
  for (int type = 0; type < GGML_TYPE_COUNT; ++type) {
    const char* known = ggml_type_name(static_cast<ggml_type>(type));
    if (known != nullptr && name == known) return static_cast<ggml_type>(type);
  }
  throw std::invalid_argument("no block type " + name + "; names are written as in q4_K");
}

json encode_blocks(const Options& options) {
  const ggml_type type = block_type(options.word(1));
  const std::string in = read_file(options.word(2));
  const int64_t columns = options.number("--columns", 256);
  const int64_t rows = static_cast<int64_t>(in.size() / sizeof(float)) / columns;
  std::string out(static_cast<size_t>(rows) * ggml_row_size(type, columns), '\0');
  ggml_quantize_chunk(type, reinterpret_cast<const float*>(in.data()), out.data(), 0, rows, columns,
                      nullptr);
  write_file(options.word(3), out.data(), out.size());
  return {{"rows", rows}, {"bytes", out.size()}};
}

json decode_blocks(const Options& options) {
  const ggml_type type = block_type(options.word(1));
  const std::string in = read_file(options.word(2));
  const int64_t columns = options.number("--columns", 256);
  const int64_t rows = static_cast<int64_t>(in.size() / ggml_row_size(type, columns));
  std::vector<float> out(static_cast<size_t>(rows * columns));
  if (type == GGML_TYPE_F32) throw std::invalid_argument("f32 has no blocks");
  ggml_get_type_traits(type)->to_float(in.data(), out.data(), rows * columns);
  write_file(options.word(3), out.data(), out.size() * sizeof(float));
  return {{"rows", rows}, {"columns", columns}};
}

json run(const Options& options, int64_t exec_ns) {
  const std::map<std::string, std::function<json(const Options&)>> commands = {
      {"tokenize", tokenize_text},
      {"detokenize", detokenize_ids},
      {"logits", logits},
      {"generate", generate},
      {"template", apply_template},
      {"quantize", quantize},
      {"encode", encode_blocks},
      {"decode", decode_blocks},
      {"serve", serve},
      {"bench", [&](const Options& o) { return bench(o, exec_ns); }}};
  const auto command = commands.find(options.word(0));
  if (command == commands.end()) throw std::invalid_argument("no command " + options.word(0));
  start_llama();
  return command->second(options);
}

}  // namespace

int main(int argc, char** argv) {
  const int64_t exec_ns = time_of_exec_ns(argv);
  try {
    const Options options(argc, argv,
                          {"--no-special", "--parse-special", "--ignore-eos", "--pure", "--plain",
                           "--no-generation-prompt", "--unified"});
    const json result = run(options, exec_ns);
    std::cout << result.dump(2, ' ', false, json::error_handler_t::replace) << "\n";
    return 0;
  } catch (const std::invalid_argument& error) {
    std::fprintf(stderr, "%s\n%s", error.what(), kUsage);
    return 2;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
