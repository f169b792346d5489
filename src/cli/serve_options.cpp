#include <algorithm>
#include <filesystem>

#include <fmt/ranges.h>

#include <verge/cli/applied_delta.hpp>
#include <verge/cli/collab_serve.hpp>
#include <verge/cli/model_store.hpp>
#include <verge/cli/serve_options.hpp>
#include <verge/core/machine.hpp>
#include <verge/core/units.hpp>
#include <verge/stages/data/model_library/model_library.hpp>

namespace verge::cli {
namespace {

constexpr int64_t kGrammarsPart = 16;  // of --mem; see ServiceOptions::grammar_bytes
const std::string kServedDeltaHelp =
    std::string(
        "MODEL=FILE: what a fine-tuning changed of a model; without MODEL= of the first; ") +
    kDeltaCost;
constexpr int64_t kDefaultContexts = 4;  // of KV cache, where nothing else is said

// A cache of kv_memory bytes, of kv_tokens tokens, or of as many contexts as run at once, within
// reason.
Status size_cache(const ServeOptions& options, int64_t kv_bytes, serve::ServedModel& model) {
  if (options.kv_tokens > 0) {
    model.load.kv_tokens = options.kv_tokens;
    return {};
  }
  VERGE_TRY(const auto face, serve::read_face(model));
  if (kv_bytes == 0) {
    model.load.kv_tokens = face->context * std::min(options.max_sequences, kDefaultContexts);
    return {};
  }
  model.load.kv_tokens = serve::api::kv_tokens_of(*face, model.load.kv_dtype, kv_bytes);
  constexpr int64_t kLeast = 64;
  if (model.load.kv_tokens >= kLeast) return {};
  return make_error(Code::InvalidArgument, "--kv-mem {}: holds {} tokens of {}; give more",
                    options.kv_memory, model.load.kv_tokens, model.name);
}

// "MODEL:NAME=FILE", or "NAME=FILE" for the first. Names of models may have colons themselves.
Status add_adapter(const std::string& text, std::vector<serve::ServedModel>& models) {
  const size_t equals = text.find('=');
  const std::string whole = text.substr(0, equals);
  const size_t colon = whole.rfind(':');
  const std::string name = colon == std::string::npos ? whole : whole.substr(colon + 1);
  if (equals == std::string::npos || name.empty()) {
    return make_error(Code::InvalidArgument, "--lora {}: give MODEL:NAME=FILE", text);
  }
  auto model = models.begin();
  if (colon != std::string::npos) {
    model = std::ranges::find(models, whole.substr(0, colon), &serve::ServedModel::name);
  }
  if (model == models.end()) {
    std::vector<std::string> names;
    for (const serve::ServedModel& served : models) names.push_back(served.name);
    return make_error(Code::NotFound, "--lora {}: no model {} is served; there are {}", text,
                      whole.substr(0, colon), fmt::join(names, ", "));
  }
  model::AdapterSpec spec = adapter_spec(text.substr(equals + 1));
  spec.name = name;
  model->load.adapters.push_back(std::move(spec));
  return {};
}

Result<std::vector<std::string>> stored_models() {
  VERGE_TRY(const store::Store store, open_store());
  VERGE_TRY(const store::Listing all, store.list(data::kModel));
  std::vector<std::string> names;
  for (const store::Artifact& model : all.sound) names.push_back(model.name);
  if (!names.empty()) return names;
  return make_error(Code::InvalidArgument,
                    "no model is named, and none is stored in {}; give one, or bring one with "
                    "`verge model import FILE`",
                    store.root());
}

// Of stored models, those that can be served; the others are noted.
Status keep_readable(serve::api::ModelServerOptions& server) {
  std::erase_if(server.models, [&](const serve::ServedModel& model) {
    const auto face = serve::read_face(model);
    if (!face)
      server.notes.push_back(fmt::format("{} is not served: {}", model.name, face.error().message));
    return !face.ok();
  });
  if (!server.models.empty()) return {};
  return make_error(Code::NotFound, "none of the stored models can be served: {}",
                    fmt::join(server.notes, "; "));
}

// One tenant alone must not fill the queue for the others.
int64_t queue_of_tenant(const ServeOptions& options) {
  if (options.max_queue_per_tenant > 0) return options.max_queue_per_tenant;
  return options.api_keys.empty() ? options.max_queue : (options.max_queue + 1) / 2;
}

// Where many answers are drawn drafts do not pay: rows of logits for those of a few.
int64_t rows_of_step(int64_t max_sequences, const serve::DraftSource& drafts) {
  constexpr int64_t kDrafting = 4;
  if (!drafts.is_on()) return max_sequences;
  return max_sequences + std::min(max_sequences, kDrafting) * drafts.most_tokens;
}

// What belongs to a model that is whole.
Status check_alone(const ServeOptions& options, const serve::DraftSource& drafts) {
  const char* option = options.models.size() != 1  ? "several models, or all stored ones,"
                       : !options.adapters.empty() ? "--lora"
                       : drafts.is_on()            ? "drafts"
                       : !options.prompt_cache_folder.empty() ? "--prompt-cache"
                       : !options.memory.empty()              ? "--mem"
                                                              : nullptr;
  if (option == nullptr) return {};
  return make_error(Code::InvalidArgument,
                    "{} and --cloud do not go together: a cloud answers with one model, which is "
                    "named, loaded and drawn from as it is; leave one of them out",
                    option);
}

Result<http::Listen> listen_of(const ServeOptions& options) {
  http::Listen listen{.host = options.host, .unix_path = options.unix_socket};
  if (options.port < 0 || options.port > 65535) {
    return make_error(Code::InvalidArgument, "--port {}: give 0 (any free one) to 65535",
                      options.port);
  }
  listen.port = static_cast<uint16_t>(options.port);
  if (options.tls_certificate.empty() != options.tls_key.empty()) {
    return make_error(Code::InvalidArgument, "--tls-cert and --tls-key go together; give both");
  }
  if (!options.tls_key.empty()) listen.tls = {options.tls_certificate, options.tls_key};
  return listen;
}

}  // namespace

void ServeOptions::declare(Parser& parser) {
  parser.add_option("MODEL", models,
                    std::string(kModelHelp) +
                        "; NAME=MODEL names it; without: all stored ones, "
                        "each loaded when it is asked for");
  const auto network = [&](Option option) { option.group("Network"); };
  network(parser.add_option("--host", host, "Address to listen on"));
  network(parser.add_option("-p,--port", port, "Port; 0 for any free one"));
  network(parser.add_option("--unix-socket", unix_socket, "Local socket instead of a port"));
  network(parser.add_option("--tls-cert", tls_certificate, "Certificate chain, PEM"));
  network(parser.add_option("--tls-key", tls_key, "Its key, PEM"));
  network(parser.add_option("--cors-origin", origins, "Origin whose pages may ask; \"*\" for any")
              .repeated());
  network(
      parser.add_option("--max-connections", max_connections, "Connections at once").positive());
  network(parser.add_option("--http-threads", http_threads, "Threads of the network").positive());
  const auto access = [&](Option option) { option.group("Access"); };
  access(parser.add_option("--api-keys", api_keys, "Key file of `verge key add`"));
  access(parser
             .add_option("--usage", usage,
                         "File where used tokens of keys outlive the server; beside the key file "
                         "without, nowhere with \"none\"")
             .environment("VERGE_USAGE"));
  access(parser.add_flag("--insecure", insecure, "Serve other machines without keys"));
  const auto load = [&](Option option) { option.group("Models and memory"); };
  load(parser
           .add_option("-c,--context", context,
                       "Most tokens of a prompt and its answer; 0: the model's own, at most 4096")
           .not_negative());
  load(parser.add_option("--max-sequences", max_sequences, "Answers drawn at once").positive());
  load(parser
           .add_option("--kv-tokens", kv_tokens,
                       "Tokens in the KV cache, of all answers; 0: up to four contexts")
           .not_negative());
  load(parser.add_option("--kv-mem", kv_memory, "Memory of the KV cache instead: 512M, 2G"));
  load(parser.add_option("--kv", kv, "Type of the KV cache: f32, f16, bf16 or q8_0"));
  load(parser.add_option("--isa", isa, "Kernels to use: generic, avx2, avx512 or avx512-bf16")
           .environment("VERGE_ISA"));
  load(parser.add_option("--mem", memory,
                         "Memory of all loaded models and compiled grammars: 8G; all there is "
                         "without. A model that needs more is read from its file while it runs"));
  load(parser
           .add_option("--idle-timeout", idle_timeout_s,
                       "Seconds without requests after which a model leaves memory; 0: never")
           .not_negative());
  threads.declare(parser);
  load(parser
           .add_option(
               "--lora", adapters,
               "MODEL:NAME=FILE or MODEL:NAME=FILE:SCALE: a LoRA adapter of a model, served as "
               "MODEL:NAME; without MODEL: of the first")
           .repeated());
  load(parser.add_option("--delta", deltas, kServedDeltaHelp).repeated());
  speculation.declare_source(parser);
  collab.declare(parser);
  const auto queue = [&](Option option) { option.group("Queue"); };
  queue(parser.add_option("--max-queue", max_queue, "Requests that may wait").positive());
  queue(parser
            .add_option("--max-queue-per-tenant", max_queue_per_tenant,
                        "Of these, a tenant's; 0: half where there are keys, else all")
            .not_negative());
  queue(
      parser.add_option("--step-tokens", step_tokens, "Tokens of one run of the model").positive());
  queue(
      parser.add_option("--spill", spill_folder, "Folder for answers put aside when memory ends"));
  queue(parser.add_option("--prompt-cache", prompt_cache_folder,
                          "Folder where beginnings of prompts outlive the server"));
  queue(parser.add_flag("--no-prefix-cache", no_prefix_cache,
                        "Compute every prompt anew, whoever had the same beginning"));
  const auto log = [&](Option option) { option.group("Log"); };
  log(parser.add_option("--log-format", log_format, "Access log: text, json or none")
          .one_of({"text", "json", "none"}));
  log(parser
          .add_option("--drain-timeout", drain_timeout_s,
                      "Seconds that running answers have after SIGTERM")
          .not_negative());
}

Result<serve::ServedModel> served_model(const std::string& argument,
                                        const model::LoadOptions& load) {
  std::error_code error;
  const size_t equals = argument.find('=');
  const bool is_named =
      equals != std::string::npos && equals > 0 && !std::filesystem::exists(argument, error);
  const std::string model = is_named ? argument.substr(equals + 1) : argument;
  VERGE_TRY(const std::string path, model_path(model));
  const bool is_path = std::filesystem::exists(model, error);
  serve::ServedModel served;
  served.load = load;
  served.name = is_named ? argument.substr(0, equals) : is_path ? data::default_name(path) : model;
  served.path = path;
  return served;
}

Result<serve::api::ModelServerOptions> ServeOptions::server_options() const {
  serve::api::ModelServerOptions server;
  VERGE_TRY(server.listen, listen_of(*this));
  VERGE_RETURN_IF_ERROR(threads.check());
  ModelOptions loading;
  loading.context = context;
  loading.kv = kv;
  loading.isa = isa;
  VERGE_TRY(model::LoadOptions load, loading.load_options());
  load.max_sequences = max_sequences;
  load.max_tokens = step_tokens;
  VERGE_TRY(const serve::DraftSource drafts, speculation.source());
  load.max_outputs = rows_of_step(max_sequences, drafts);
  if (collab.is_wanted()) VERGE_RETURN_IF_ERROR(check_alone(*this, drafts));
  VERGE_TRY(const int64_t kv_bytes, size_option("--kv-mem", kv_memory));
  VERGE_TRY(server.pool.memory_bytes, size_option("--mem", memory));
  server.load_at_start = !models.empty();
  std::vector<std::string> wanted = models;
  if (wanted.empty()) {
    VERGE_TRY(wanted, stored_models());
  }
  for (const std::string& argument : wanted) {
    VERGE_TRY(serve::ServedModel model, served_model(argument, load));
    if (std::ranges::count(server.models, model.name, &serve::ServedModel::name) > 0) {
      return make_error(Code::InvalidArgument,
                        "two models are named {}; name one otherwise: NAME={}", model.name,
                        argument);
    }
    model.drafts = drafts;
    if (collab.is_wanted()) VERGE_RETURN_IF_ERROR(share_with_cloud(collab, max_sequences, model));
    server.models.push_back(std::move(model));
  }
  for (const std::string& adapter : adapters) {
    VERGE_RETURN_IF_ERROR(add_adapter(adapter, server.models));
  }
  if (models.empty()) {
    VERGE_RETURN_IF_ERROR(keep_readable(server));
  }
  for (serve::ServedModel& model : server.models) {
    VERGE_RETURN_IF_ERROR(size_cache(*this, kv_bytes, model));
  }
  server.pool.threads = threads.threads == 0 ? available_cores() : threads.threads;
  server.pool.idle_s = idle_timeout_s;
  server.scheduler.step_tokens = step_tokens;
  server.scheduler.max_waiting = max_queue;
  server.scheduler.max_waiting_per_tenant = queue_of_tenant(*this);
  server.scheduler.spill_folder = spill_folder;
  server.scheduler.prompt_cache_folder = prompt_cache_folder;
  server.scheduler.share_prefixes = !no_prefix_cache;
  server.http.threads = http_threads;
  server.http.limits.max_connections = max_connections;
  server.http.cors.origins = origins;
  server.service.memory_limit_bytes = server.pool.memory_bytes;
  if (server.pool.memory_bytes > 0) {
    server.service.grammar_bytes =
        std::min(server.service.grammar_bytes,
                 static_cast<size_t>(server.pool.memory_bytes / kGrammarsPart));
    server.pool.memory_bytes -= static_cast<int64_t>(server.service.grammar_bytes);
  }
  server.key_file = api_keys;
  server.usage_file = usage == "none" ? "" : usage.empty() ? api_keys + ".usage" : usage;
  server.insecure = insecure;
  return server;
}

}  // namespace verge::cli
