#include <algorithm>

#include <nlohmann/json.hpp>

#include <verge/core/machine.hpp>
#include <verge/stages/serve/api/json_body.hpp>
#include <verge/stages/serve/api/json_fields.hpp>
#include <verge/stages/serve/api/model_facts.hpp>
#include <verge/stages/serve/api/service.hpp>

namespace verge::serve::api {
namespace {

void health(Service& service, const http::Request&, http::ResponseWriter writer) {
  const auto [readiness, reason] = service.readiness();
  const bool ready = readiness == Readiness::Ready;
  Json json = {{"status", ready                              ? "ok"
                          : readiness == Readiness::Draining ? "draining"
                                                             : "loading"}};
  if (!ready) json["reason"] = reason;
  http::Response response = http::json_response(ready ? 200 : 503, json.dump());
  if (!ready) response.headers.set("Retry-After", "1");
  writer.respond(std::move(response));
}

void home(Service& service, const http::Request& request, http::ResponseWriter writer) {
  const bool is_browser =
      request.headers.value("Accept").find("text/html") != std::string_view::npos;
  if (is_browser && service.options().index) {
    writer.respond(service.options().index(request));
  } else {
    writer.respond(http::text_response(200, "Verge is running\n"));
  }
}

void metrics(Service& service, Exchange exchange) {
  if (!exchange.caller.may_use("*")) {
    return exchange.respond(ApiError{403, "permission_denied",
                                     "metrics tell of all models; use a key that may use all"});
  }
  const Snapshot snapshot = service.parts().scheduler.snapshot();
  http::Response response =
      http::text_response(200, service.parts().metrics.text(snapshot, resident_bytes()));
  response.content_type = "text/plain; version=0.0.4; charset=utf-8";
  exchange.writer.respond(std::move(response));
}

Json percentiles_json(const Percentiles& seen) {
  const auto value = [&](double quantile) { return seen.count > 0 ? Json(quantile) : Json(); };
  return {{"p50", value(seen.p50)},
          {"p90", value(seen.p90)},
          {"p99", value(seen.p99)},
          {"count", seen.count}};
}

Json live_model(Service& service, const ModelSnapshot& model) {
  const bool loaded = model.state == LoadState::Ready;
  Json json = {{"name", model.name}, {"loaded", loaded}, {"state", name(model.state)}};
  Problem problem;
  if (const auto entry = service.directory().find(model.name, problem)) {
    const std::string type = quantization(*entry->face);
    json["bytes"] = file_bytes(*entry->face);
    json["context"] = entry->face->limit();
    json["quantization"] = type.empty() ? Json() : Json(type);
  }
  if (!loaded) return json;
  if (model.streamed_bytes > 0) {
    json["stream"] = {{"step_bytes", model.streamed_bytes},
                      {"read_bytes", model.stream_read_bytes},
                      {"read_s", model.stream_read_s},
                      {"wait_s", model.stream_wait_s}};
  }
  const Latencies latencies = service.parts().metrics.latencies(model.name);
  json["running"] = model.running;
  json["waiting"] = model.waiting;
  json["preemptions"] = model.preemptions;
  json["batch"] = model.batch_sizes.empty() ? 0 : model.batch_sizes.back();
  json["kv"] = {{"pages", model.pages_total},
                {"page_tokens", model.page_tokens},
                {"free", model.pages_free},
                {"cached", model.pages_cached}};
  json["tokens"] = {{"prefill", model.prefill_tokens},
                    {"decode", model.decode_tokens},
                    {"cached", model.cached_tokens},
                    {"drafted", model.draft_tokens},
                    {"accepted", model.accepted_tokens}};
  json["ttft"] = percentiles_json(latencies.ttft);
  json["tpot"] = percentiles_json(latencies.tpot);
  return json;
}

void live(Service& service, Exchange exchange) {
  const Snapshot snapshot = service.parts().scheduler.snapshot();
  const std::vector<std::string> names = service.directory().names(exchange.caller);
  const int64_t limit = service.options().memory_limit_bytes;
  int64_t queue = 0;
  Json models = Json::array();
  for (const ModelSnapshot& model : snapshot.models) {
    if (std::ranges::count(names, model.name) == 0) continue;
    queue += model.waiting;
    models.push_back(live_model(service, model));
  }
  exchange.respond(Json{{"uptime_s", service.parts().clock.seconds() - service.started_s()},
                        {"rss_bytes", resident_bytes()},
                        {"memory_limit_bytes", limit > 0 ? Json(limit) : Json()},
                        {"queue", queue},
                        {"models", std::move(models)}});
}

std::string named_model(Service& service, const Exchange& exchange, Problem& problem) {
  const Json body = parse_body(exchange.request.body, problem);
  Fields fields(body, "", problem);
  const std::string name = fields.required_text("model");
  fields.finish();
  return problem ? "" : service.directory().resolve(name, exchange.caller, problem);
}

std::function<void(const Status&)> say_loaded(Exchange exchange, const std::string& name,
                                              bool loaded) {
  return [exchange = std::move(exchange), name, loaded](const Status& status) mutable {
    if (!status) return exchange.respond(from_error(status.error()));
    exchange.respond(Json{{"model", name}, {"loaded", loaded}});
  };
}

void load(Service& service, Exchange exchange) {
  Problem problem;
  const std::string name = named_model(service, exchange, problem);
  if (problem) return exchange.respond(problem.error());
  service.load(name, say_loaded(std::move(exchange), name, true));
}

void unload(Service& service, Exchange exchange) {
  Problem problem;
  const std::string name = named_model(service, exchange, problem);
  if (problem) return exchange.respond(problem.error());
  service.parts().scheduler.unload(name, say_loaded(std::move(exchange), name, false));
}

}  // namespace

void add_server_routes(Service& service, http::Router& router) {
  router.add("GET", "/health", [&service](http::Request request, http::ResponseWriter writer) {
    health(service, request, std::move(writer));
  });
  router.add("GET", "/", [&service](http::Request request, http::ResponseWriter writer) {
    home(service, request, std::move(writer));
  });
  service.add_route(router, "GET", "/metrics", metrics);
  service.add_route(router, "GET", "/verge/live", live);
  service.add_route(router, "POST", "/verge/models/load", load);
  service.add_route(router, "POST", "/verge/models/unload", unload);
}

}  // namespace verge::serve::api
