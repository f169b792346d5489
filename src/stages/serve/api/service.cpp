#include <algorithm>
#include <array>

#include <verge/stages/serve/api/service.hpp>

namespace verge::serve::api {
namespace {

// Below these nothing is anybody's, not even what is there.
constexpr std::array<std::string_view, 3> kGuardedSpaces = {"/v1/", "/api/", "/verge/"};

constexpr size_t kMostAtOnce = size_t{16} << 10;   // of a body: read in a millisecond or two
constexpr size_t kMostMedium = size_t{256} << 10;  // in some ten
constexpr size_t kMostWaiting = size_t{64} << 20;

// One tenant alone must not fill the room of the others.
TaskThread::Room reading_room(const Gate& gate) {
  return {kMostWaiting, gate.has_keys() ? kMostWaiting / 2 : kMostWaiting};
}

std::string_view code_of(int status) {
  switch (status) {
    case 404:
      return "not_found";
    case 405:
      return "method_not_allowed";
    case 408:
      return "request_timeout";
    case 413:
      return "request_too_large";
    case 429:
      return "rate_limit_exceeded";
    case 503:
      return "server_busy";
    default:
      return status >= 500 ? "internal_error" : "invalid_request";
  }
}

// What clients that were pointed at a neighbouring address meant.
std::string hint_of(std::string_view path) {
  for (const char* route : {"/chat/completions", "/completions", "/embeddings", "/models"}) {
    if (path == route) return fmt::format("; OpenAI's routes begin with /v1: /v1{}", route);
  }
  const bool has_slash = path.find("//") != std::string_view::npos || path.ends_with('/');
  return path.size() > 1 && has_slash ? "; there is a slash too many in it" : "";
}

// A body that is packed would read as damaged JSON.
std::optional<ApiError> refused_coding(const http::Request& request) {
  const std::string_view coding = request.headers.value("Content-Encoding");
  if (coding.empty() || coding == "identity") return std::nullopt;
  return ApiError{415, "unsupported_encoding",
                  fmt::format("bodies with Content-Encoding: {} are not read; send it unpacked",
                              coding.substr(0, 40))};
}

class LoadSink : public AnswerSink {
 public:
  explicit LoadSink(std::function<void(const Status&)> then) : then_(std::move(then)) {}
  void on_piece(const Piece&) override {}
  void on_end(const End& end) override { then_(end.status); }

 private:
  std::function<void(const Status&)> then_;
};

}  // namespace

Service::Service(ServiceParts parts, ServiceOptions options)
    : parts_(parts),
      options_(std::move(options)),
      directory_(parts_.models, options_.grammar_bytes),
      started_s_(parts_.clock.seconds()),
      started_unix_s_(options_.unix_time_s()),
      medium_(reading_room(parts_.gate)),
      large_(reading_room(parts_.gate)) {}

void Service::add_routes(http::Router& router) {
  add_openai_routes(*this, router);
  add_ollama_routes(*this, router);
  add_server_routes(*this, router);
  add_alias_routes(*this, router);
  add_token_routes(*this, router);
}

void Service::configure(http::ServerOptions& options) {
  options.admit = [this](const http::Request& request) { return admit(request); };
  options.render_refusal = [](const http::Refusal& refusal) {
    const Protocol protocol =
        refusal.request != nullptr ? protocol_of(refusal.request->path) : Protocol::OpenAi;
    const std::string_view id =
        refusal.request != nullptr ? std::string_view(refusal.request->id) : "";
    const bool is_missing = refusal.status == 404 && refusal.request != nullptr;
    const std::string hint = is_missing ? hint_of(refusal.request->path) : "";
    return error_response(
        protocol, {refusal.status, std::string(code_of(refusal.status)), refusal.message + hint},
        id);
  };
}

std::optional<http::Response> Service::admit(const http::Request& request) const {
  if (options_.local_only && !is_local(request, options_.origins)) {
    return error_response(protocol_of(request.path),
                          {403, "origin_not_allowed",
                           "a server without keys answers this machine only, not a page of another "
                           "host; use http://localhost, --cors-origin, or keys"},
                          request.id);
  }
  if (is_draining() && request.path != "/health" && request.path != "/metrics") {
    return error_response(protocol_of(request.path), shutting_down(), request.id);
  }
  if (!is_guarded(request.path) || request.method == "OPTIONS") return std::nullopt;
  Problem problem;
  parts_.gate.identify(request.headers.value("Authorization"), problem);
  if (!problem) return std::nullopt;
  return error_response(protocol_of(request.path), problem.error(), request.id);
}

bool Service::is_guarded(std::string_view path) const {
  const auto holds = [&](std::string_view space) { return path.starts_with(space); };
  return std::ranges::any_of(kGuardedSpaces, holds) || guarded_paths_.contains(path);
}

http::Handler Service::guarded(Route route) {
  return [this, route](http::Request request, http::ResponseWriter writer) {
    Problem problem;
    auto caller = parts_.gate.identify(request.headers.value("Authorization"), problem);
    const Protocol protocol = protocol_of(request.path);
    if (!caller) {
      writer.respond(error_response(protocol, problem.error(), request.id));
      return;
    }
    if (is_draining() && request.path != "/metrics") {  // its body came during the drain
      writer.respond(error_response(protocol, shutting_down(), request.id));
      return;
    }
    if (const auto refused = refused_coding(request)) {
      writer.respond(error_response(protocol, *refused, request.id));
      return;
    }
    dispatch(route, {std::move(request), std::move(writer), std::move(*caller), protocol});
  };
}

// A long text takes its tokenizer a while: short requests go on meanwhile, on this thread, those of
// middle size on a thread of their own.
void Service::dispatch(Route route, Exchange exchange) {
  const size_t bytes = exchange.request.body.size();
  if (bytes <= kMostAtOnce) return route(*this, std::move(exchange));
  const auto held = std::make_shared<Exchange>(std::move(exchange));
  TaskThread& thread = bytes <= kMostMedium ? medium_ : large_;
  const bool is_taken = thread.post(held->caller.tenant, bytes, [this, route, held] {
    if (has_ended_all_) return held->respond(shutting_down());
    if (held->writer.is_open()) route(*this, std::move(*held));
  });
  if (is_taken) return;
  ApiError busy = from_error(
      make_error(Code::Busy, "too many long requests are being read; try again in a second"));
  held->respond(is_draining() ? shutting_down() : busy);
}

void Service::add_route(http::Router& router, std::string_view method, std::string_view path,
                        Route route) {
  router.add(method, path, guarded(route));
  guarded_paths_.emplace(path);
}

std::shared_ptr<const ModelEntry> Service::open_model(Exchange& exchange, Fields& fields) {
  Problem& problem = fields.problem();
  const std::string name = directory_.name_or_only(fields.text("model"), exchange.caller, problem);
  auto entry = problem ? nullptr : directory_.open(name, exchange.caller, problem);
  if (!problem) return entry;
  exchange.respond(problem.error());
  return nullptr;
}

void Service::set_readiness(Readiness readiness, std::string reason) {
  const std::lock_guard lock(mutex_);
  if (readiness_ == Readiness::Draining) return;
  readiness_ = readiness;
  reason_ = std::move(reason);
}

std::pair<Readiness, std::string> Service::readiness() const {
  const std::lock_guard lock(mutex_);
  return {readiness_, reason_};
}

bool Service::is_draining() const {
  const std::lock_guard lock(mutex_);
  return readiness_ == Readiness::Draining;
}

void Service::stop_reading() {
  medium_.stop();
  large_.stop();
}

void Service::end_all() {
  has_ended_all_ = true;
  std::vector<std::shared_ptr<Revocable>> running;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& weak : jobs_) {
      if (auto job = weak.lock()) running.push_back(std::move(job));
    }
  }
  for (const auto& job : running) job->abort(shutting_down());
}

Status Service::tick(bool read_keys) {
  parts_.metrics.watch(parts_.scheduler.snapshot());
  const auto refreshed = parts_.gate.refresh(read_keys);
  if (!refreshed) {
    return make_error(refreshed.error().code, "the keys stay as they were: {}",
                      refreshed.error().message);
  }
  const bool changed = *refreshed;
  std::vector<std::shared_ptr<Revocable>> revoked;
  {
    const std::lock_guard lock(mutex_);
    std::erase_if(jobs_, [](const std::weak_ptr<Revocable>& job) { return job.expired(); });
    if (!changed) return {};
    for (const auto& weak : jobs_) {
      auto job = weak.lock();
      if (job && !parts_.gate.is_valid(job->key_id())) revoked.push_back(std::move(job));
    }
  }
  for (const auto& job : revoked) {
    job->abort(revoked_key());
  }
  return {};
}

void Service::run(const std::shared_ptr<Revocable>& job, const std::function<void()>& submit) {
  {
    const std::lock_guard lock(mutex_);
    jobs_.push_back(job);
  }
  submit();
  if (!parts_.gate.is_valid(job->key_id())) job->abort(revoked_key());  // since it was identified
}

void Service::add_rate_headers(Exchange& exchange) const {
  for (const RateHeader& header : parts_.gate.headers(exchange.caller)) {
    exchange.headers.set(header.name, header.value);
  }
}

void Service::load(const std::string& model, std::function<void(const Status&)> then) {
  Problem problem;
  const auto entry = directory_.find(model, problem);
  if (problem) {
    then(make_error(Code::Unsupported, "{}", problem.error().message));
    return;
  }
  auto prompt = entry->prompts.plain(std::string());
  if (!prompt) prompt = entry->prompts.plain(std::string("\n"));
  if (!prompt) {
    then(prompt.error());
    return;
  }
  Request request{.model = model, .prompt = std::move(*prompt)};
  request.options.max_tokens = 0;
  request.options.sampling.temperature = 0;
  const auto id = parts_.scheduler.submit(std::move(request), std::make_shared<LoadSink>(then));
  if (!id) then(id.error());
}

}  // namespace verge::serve::api
