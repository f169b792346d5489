#include <algorithm>
#include <compare>
#include <utility>

#include <verge/core/result.hpp>
#include <verge/platform/http/router.hpp>
#include <verge/platform/http/wire/target.hpp>

namespace verge::http {
namespace {

// "/a/b%2Fc" to {"a", "b/c"}; nothing for a wrong escape.
std::optional<std::vector<std::string>> decoded_segments(std::string_view path) {
  std::vector<std::string> segments;
  while (path.starts_with('/')) {
    path.remove_prefix(1);
    const size_t end = std::min(path.find('/'), path.size());
    std::optional<std::string> segment = percent_decoded(path.substr(0, end));
    if (!segment) return std::nullopt;
    segments.push_back(std::move(*segment));
    path.remove_prefix(end);
  }
  return segments;
}

void add_once(std::vector<std::string>& methods, std::string_view method) {
  if (std::ranges::find(methods, method) == methods.end()) methods.emplace_back(method);
}

}  // namespace

std::vector<Router::Segment> Router::parse(std::string_view pattern) {
  VERGE_CHECK(pattern.starts_with('/'), pattern);
  std::vector<Segment> segments;
  const std::optional<std::vector<std::string>> texts = decoded_segments(pattern);
  VERGE_CHECK(texts.has_value(), pattern);
  for (const std::string& text : *texts) {
    const bool is_last = &text == &texts->back();
    if (!text.starts_with('{')) {
      segments.push_back({Segment::Literal, text});
      continue;
    }
    VERGE_CHECK(text.ends_with('}') && text.size() > 2, pattern);
    const std::string name = text.substr(1, text.size() - 2);
    const bool is_rest = name.ends_with("...");
    VERGE_CHECK(!is_rest || is_last, pattern);
    segments.push_back(is_rest ? Segment{Segment::Rest, name.substr(0, name.size() - 3)}
                               : Segment{Segment::One, name});
  }
  return segments;
}

// Literal before {name} before {name...}, from the left.
bool Router::is_before(const Route& a, const Route& b) {
  return std::ranges::lexicographical_compare(a.segments, b.segments, {}, &Segment::kind,
                                              &Segment::kind);
}

void Router::add(std::string_view method, std::string_view pattern, Handler handler,
                 RouteOptions options) {
  Route route{std::string(method), parse(pattern), std::move(handler), options};
  for (const Route& other : routes_) {
    const bool is_same =
        other.method == route.method &&
        std::ranges::equal(other.segments, route.segments, [](auto& a, auto& b) {
          return a.kind == b.kind && (a.kind != Segment::Literal || a.text == b.text);
        });
    VERGE_CHECK(!is_same, method, pattern);
  }
  const auto at = std::ranges::upper_bound(routes_, route, is_before);
  routes_.insert(at, std::move(route));
}

void Router::add_assets(std::string_view prefix, std::span<const Asset> assets,
                        AssetOptions options) {
  VERGE_CHECK(prefix.starts_with('/') && prefix.ends_with('/'), prefix);
  const auto shared = std::make_shared<const AssetOptions>(std::move(options));
  for (const Asset& asset : assets) {
    const Handler handler = [&asset, shared](Request request, ResponseWriter writer) {
      writer.respond(asset_response(asset, *shared, request));
    };
    assets_.emplace(std::string(prefix) + std::string(asset.path), handler);
    if (asset.path == shared->index) assets_.emplace(prefix, handler);
  }
}

bool Router::fits(const std::vector<Segment>& pattern, const std::vector<std::string>& segments,
                  std::vector<Field>& params) {
  params.clear();
  const bool has_rest = !pattern.empty() && pattern.back().kind == Segment::Rest;
  if (has_rest ? segments.size() < pattern.size() : segments.size() != pattern.size()) return false;
  for (size_t i = 0; i < pattern.size(); ++i) {
    const Segment& segment = pattern[i];
    if (segment.kind == Segment::Literal) {
      if (segment.text != segments[i]) return false;
      continue;
    }
    std::string value = segments[i];
    for (size_t j = i + 1; segment.kind == Segment::Rest && j < segments.size(); ++j) {
      value += '/' + segments[j];
    }
    if (value.empty()) return false;
    params.push_back({segment.text, std::move(value)});
  }
  return true;
}

Match Router::find(std::string_view method, const std::vector<std::string>& segments) const {
  Match match;
  std::vector<Field> params;
  for (const Route& route : routes_) {
    if (!fits(route.segments, segments, params)) continue;
    add_once(match.allow, route.method);
    if (match.handler != nullptr || route.method != method) continue;
    match.handler = &route.handler;
    match.options = &route.options;
    match.params = std::move(params);
  }
  return match;
}

Match Router::match(std::string_view method, std::string_view path) const {
  const std::optional<std::vector<std::string>> segments = decoded_segments(path);
  if (!segments) return {};
  Match match = find(method, *segments);
  const bool is_head = method == "HEAD";
  if (is_head && match.handler == nullptr) match = find("GET", *segments);
  if (const auto asset = assets_.find(path); asset != assets_.end()) {
    add_once(match.allow, "GET");
    if (match.handler == nullptr && (is_head || method == "GET")) match.handler = &asset->second;
  }
  if (match.allow.empty()) return match;
  if (std::ranges::count(match.allow, "GET") > 0) add_once(match.allow, "HEAD");
  add_once(match.allow, "OPTIONS");
  std::ranges::sort(match.allow);
  return match;
}

}  // namespace verge::http
