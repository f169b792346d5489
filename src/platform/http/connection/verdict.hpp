#pragma once
// Verdict: what is to be done with a request, known from its header alone.

#include <optional>
#include <string>
#include <string_view>

#include <verge/platform/http/connection/site.hpp>
#include <verge/platform/http/message.hpp>

namespace verge::http {

struct Verdict {
  const Handler* handler = nullptr;     // or
  std::optional<Response> answer = {};  // the answer that needs none
  size_t body_bytes = 0;                // the longest body allowed
  std::string_view origin = {};         // for CORS
};

/// Names the request, finds its route (the params are filled in), asks ServerOptions::admit.
Verdict judge(Site& site, Request& request, std::string_view encoded_path);

/// An answer of the server's own, in the shape of ServerOptions::render_refusal.
Response refusal(const Site& site, int status, std::string message, const Request* request);

}  // namespace verge::http
