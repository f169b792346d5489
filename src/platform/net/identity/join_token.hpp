#pragma once
// JoinToken: what a new node shows once to get its certificate. Who holds one can find the right
// fleet by it, too: it names the fleet's authority.
//
//   verge1-AbC...   base64url of fingerprint (32 bytes), id (8), secret (16), check (4)

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include <verge/core/result.hpp>

namespace verge::net {

struct JoinToken {
  std::string authority;  // fingerprint of its certificate: 64 hexadecimal digits
  std::string id;         // 16 hexadecimal digits
  std::array<uint8_t, 16> secret{};

  /// Of random id and secret.
  static JoinToken make(std::string_view authority);
  /// Malformed for what is no token or was copied wrongly: its last bytes are a checksum.
  static Result<JoinToken> parse(std::string_view text);
  std::string text() const;
  /// SHA-256 of the secret, hexadecimal. The secret has 128 random bits: nothing slower is needed.
  std::string secret_hash() const;
};

}  // namespace verge::net
