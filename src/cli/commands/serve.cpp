#include <sodium.h>

#include <verge/cli/access_log.hpp>
#include <verge/cli/applied_delta.hpp>
#include <verge/cli/command.hpp>
#include <verge/cli/json.hpp>
#include <verge/cli/parser.hpp>
#include <verge/cli/serve_options.hpp>
#include <verge/cli/signals.hpp>
#include <verge/cli/unix_time.hpp>
#include <verge/cli/web_pages.hpp>
#include <verge/core/units.hpp>

namespace verge::cli::commands {
namespace {

using serve::api::ModelServer;
using serve::api::ModelServerOptions;

uint64_t random_seed() {
  uint64_t seed = 0;
  randombytes_buf(&seed, sizeof(seed));
  return seed;
}

void print_models(ModelServer& server, const ModelServerOptions& options, std::ostream& out) {
  for (const serve::ServedModel& model : options.models) {
    serve::api::Problem problem;
    const auto entry = server.directory().find(model.name, problem);
    if (!entry) continue;
    const serve::ModelFace& face = *entry->face;
    const std::string answers = model.runner
                                    ? "answers with its cloud"
                                    : fmt::format("{} answers at once", model.load.max_sequences);
    out << fmt::format(
        "  {}: context {}, {} in {} tokens of cache; {} planned (weights {}, cache "
        "{}, activations {})\n",
        model.name, face.context, answers, face.kv_tokens, show_bytes(face.need.total()),
        show_bytes(face.need.weights_bytes), show_bytes(face.need.kv_bytes),
        show_bytes(face.need.arena_bytes));
    if (face.need.streamed_bytes > 0) {
      out << fmt::format("  {}: does not fit; about {} of its weights are read at each step\n",
                         model.name, show_bytes(face.need.streamed_bytes));
    }
    if (!entry->prompts.has_own_template()) {
      out << fmt::format(
          "  {}: the file has no chat template; ChatML is used, which the model may "
          "not have learnt\n",
          model.name);
    }
  }
}

void print_start(ModelServer& server, const ModelServerOptions& options, const std::string& url,
                 std::ostream& out) {
  out << fmt::format("Verge serves at {}\n", url);
  print_models(server, options, out);
  if (options.key_file.empty() && options.insecure) {
    out << "  warning: everybody who reaches this address may use the models (--insecure)\n";
  }
  if (!options.key_file.empty() && !options.listen.tls &&
      !serve::api::is_loopback(options.listen)) {
    out << "  warning: keys and prompts travel unencrypted; give --tls-cert and --tls-key, or put "
           "a "
           "proxy with TLS in front\n";
  }
  const std::string key = options.key_file.empty() ? "" : " -H 'Authorization: Bearer KEY'";
  out << fmt::format(
             "\n  curl {}/v1/chat/completions{} -H 'Content-Type: application/json' \\\n"
             "    -d '{{\"model\": \"{}\", \"messages\": [{{\"role\": \"user\", \"content\": "
             "\"Hello\"}}]}}'\n\n",
             url, key, options.models.front().name)
      << std::flush;
}

// Until a signal ends it; a second one ends it at once.
void serve_until_told(ModelServer& server, const Signals& signals, const ServeOptions& options,
                      AccessLog& log) {
  constexpr double kTick = 0.2;
  bool draining = false;
  while (!server.has_ended()) {
    const auto signal = signals.wait(kTick);
    const Status done = signal == SIGHUP ? server.reload_keys() : server.tick();
    if (!done) log.note(done.error().message);
    if (!signal || signal == SIGHUP) continue;
    log.note(draining ? "stopping at once"
                      : fmt::format("draining {} connections, at most {} s; signal again to stop "
                                    "at once",
                                    server.connections(), options.drain_timeout_s));
    server.drain(draining ? 0 : options.drain_timeout_s);
    draining = true;
  }
}

Status serve_models(ServeOptions& options, Context& context) {
  const Signals signals;  // before any thread
  const SystemClock clock;
  if (sodium_init() < 0) return make_error(Code::Internal, "libsodium does not start");
  VERGE_TRY(ModelServerOptions server_options, options.server_options());
  AccessLog log(context.err,
                options.log_format == "json" ? AccessLog::Format::Json : AccessLog::Format::Text,
                unix_time_s);
  server_options.service.version = VERGE_VERSION;
  server_options.service.unix_time_s = unix_time_s;
  server_options.service.random = random_seed;
  server_options.service.index = web_index();
  server_options.add_pages = add_web_pages;
  server_options.scheduler.warn = [&log](const Error& error) { log.note(error.message); };
  if (options.log_format != "none") {
    server_options.http.on_access = [&log](const http::AccessRecord& record) { log.add(record); };
  }
  for (const std::string& note : server_options.notes) log.note(note);
  VERGE_TRY(const auto server, ModelServer::start(server_options, clock));
  const std::string& url = server->endpoint().url;
  if (context.json) {
    print_json_line({{"url", url}, {"port", server->endpoint().port}}, context.out);
  } else if (!context.quiet) {
    print_start(*server, server_options, url, context.out);
  }
  serve_until_told(*server, signals, options, log);
  server->wait();
  return {};
}

// Deltas before signals are held back: an interrupt ends their writing.
Status execute(ServeOptions& options, Context& context) {
  VERGE_TRY(const auto applied, apply_deltas(options.deltas, options.models, context));
  const Status done = serve_models(options, context);
  if (done) return done;
  Error error = done.error();
  for (const AppliedDelta& tuned : applied) error = tuned.in_terms_of_base(std::move(error));
  return error;
}

Action declare(Parser& parser, Context& context) {
  auto options = std::make_shared<ServeOptions>();
  options->declare(parser);
  return [options, &context] { return execute(*options, context); };
}

}  // namespace

Command serve() {
  return {
      "serve", "Everyday", "Serve models to OpenAI's, Ollama's and other HTTP clients",
      "  verge serve model.gguf\n"
      "  verge serve\n"
      "  verge serve small=qwen-0.5b.gguf large=qwen-7b.gguf --mem 8G --idle-timeout 600\n"
      "  verge serve qwen --host 0.0.0.0 --api-keys keys.json --tls-cert c.pem --tls-key k.pem\n"
      "  verge serve qwen law=qwen --delta law=law.vdelta\n"
      "  verge serve edge.gguf --cloud home.example:7443 --mode auto\n"
      "  verge serve qwen --context 8192 --max-sequences 32 --kv-mem 2G",
      declare};
}

}  // namespace verge::cli::commands
