#pragma once
// Whether a request comes from this machine's user. Any page can make a browser ask a server on the
// same machine: with a foreign Origin, or, by DNS rebinding, with a foreign Host.

#include <span>
#include <string>

#include <verge/platform/http/message.hpp>

namespace verge::serve::api {

/// Host names this machine (localhost, 127.0.0.0/8, ::1) and Origin, where there is one, the same
/// host or one of `origins`.
bool is_local(const http::Request& request, std::span<const std::string> origins);

}  // namespace verge::serve::api
