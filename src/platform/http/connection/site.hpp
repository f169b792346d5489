#pragma once
// Site: what all connections of a server share.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <utility>

#include <verge/core/clock.hpp>
#include <verge/platform/http/connection/request_ids.hpp>
#include <verge/platform/http/connection/seats.hpp>
#include <verge/platform/http/options.hpp>
#include <verge/platform/http/router.hpp>

namespace verge::http {

struct Site {
  Site(Router routes, ServerOptions settings, const Clock& time, int most_connections,
       uint32_t series)
      : router(std::move(routes)),
        options(std::move(settings)),
        clock(time),
        seats(most_connections, options.limits.max_connections_per_address),
        ids(series) {}

  const Router router;
  const ServerOptions options;
  const Clock& clock;
  Seats seats;
  RequestIds ids;
  std::atomic<size_t> body_bytes{0};  // of bodies being read
  std::atomic<bool> is_draining{false};
};

}  // namespace verge::http
