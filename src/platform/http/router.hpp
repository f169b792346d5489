#pragma once
// Router: which handler answers which method and path.
//
//   Router router;
//   router.add("GET", "/v1/models", list_models);
//   router.add("GET", "/v1/models/{model...}", show_model);       // the rest, slashes included
//   router.add("POST", "/v1/{kind}/run", run, {.body_bytes = 1 << 20});
//   router.add_assets("/", web_assets(), {.index = "index.html"});
//
// Literal segments win over {name}, {name} over {name...}, routes over assets. Handlers run on the
// server's threads and must not block; they may throw, which is a 500. GET routes answer HEAD,
// OPTIONS is answered from the methods there are.

#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <verge/platform/http/assets.hpp>
#include <verge/platform/http/message.hpp>
#include <verge/platform/http/response_writer.hpp>

namespace verge::http {

using Handler = std::function<void(Request, ResponseWriter)>;

struct RouteOptions {
  std::optional<size_t> body_bytes = std::nullopt;  // instead of Limits::body_bytes
};

/// What a router knows of a method and path. Without `handler` the path is not there (`allow`
/// empty) or has other methods only.
struct Match {
  const Handler* handler = nullptr;
  const RouteOptions* options = nullptr;  // none for assets
  std::vector<Field> params;
  std::vector<std::string> allow;  // sorted; HEAD and OPTIONS included
};

class Router {
 public:
  /// A pattern that is malformed or there already is a bug (InternalError).
  void add(std::string_view method, std::string_view pattern, Handler handler,
           RouteOptions options = {});
  /// GET and HEAD of each asset under `prefix`, which ends with "/". `assets` outlives the router.
  void add_assets(std::string_view prefix, std::span<const Asset> assets,
                  AssetOptions options = {});

  /// `path` as sent, percent-encoded, without the query: an encoded slash does not separate.
  Match match(std::string_view method, std::string_view path) const;

 private:
  struct Segment {
    enum Kind { Literal, One, Rest } kind;
    std::string text;
  };
  struct Route {
    std::string method;
    std::vector<Segment> segments;
    Handler handler;
    RouteOptions options;
  };
  static std::vector<Segment> parse(std::string_view pattern);
  static bool is_before(const Route& a, const Route& b);
  static bool fits(const std::vector<Segment>& pattern, const std::vector<std::string>& segments,
                   std::vector<Field>& params);
  Match find(std::string_view method, const std::vector<std::string>& segments) const;

  std::vector<Route> routes_;  // most specific first
  std::map<std::string, Handler, std::less<>> assets_;
};

}  // namespace verge::http
