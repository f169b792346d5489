#include <algorithm>

#include <sodium.h>

#include <verge/platform/net/identity/join_token.hpp>
#include <verge/platform/store/sha256.hpp>

namespace verge::net {
namespace {

constexpr std::string_view kTokenPrefix = "verge1-";
constexpr size_t kAuthority = 32, kId = 8, kSecret = 16, kCheck = 4;
constexpr size_t kBody = kAuthority + kId + kSecret;
constexpr size_t kMostTokenText = 256;

using TokenBytes = std::array<uint8_t, kBody + kCheck>;

std::string token_hex(const uint8_t* bytes, size_t size) {
  std::string text(2 * size + 1, '\0');
  sodium_bin2hex(text.data(), text.size(), bytes, size);
  text.pop_back();
  return text;
}

void put_hex(std::string_view text, uint8_t* out, size_t size) {
  size_t got = 0;
  const int failed = sodium_hex2bin(out, size, text.data(), text.size(), nullptr, &got, nullptr);
  VERGE_CHECK(failed == 0 && got == size, text);
}

void put_check(const uint8_t* body, uint8_t* out) {
  uint8_t digest[crypto_hash_sha256_BYTES];
  crypto_hash_sha256(digest, body, kBody);
  std::copy_n(digest, kCheck, out);
}

Error no_token(std::string_view why) {
  return make_error(Code::Malformed,
                    "the join token {}; copy it whole: it begins with \"{}\" and is one word", why,
                    kTokenPrefix);
}

}  // namespace

JoinToken JoinToken::make(std::string_view authority) {
  VERGE_CHECK(sodium_init() >= 0);
  JoinToken token;
  token.authority = authority;
  uint8_t id[kId];
  randombytes_buf(id, sizeof(id));
  token.id = token_hex(id, sizeof(id));
  randombytes_buf(token.secret.data(), token.secret.size());
  return token;
}

Result<JoinToken> JoinToken::parse(std::string_view text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.remove_suffix(1);
  if (!text.starts_with(kTokenPrefix) || text.size() > kMostTokenText) return no_token("is none");
  text.remove_prefix(kTokenPrefix.size());
  // libsodium reads some bytes beyond ASCII as if they were of the alphabet.
  constexpr std::string_view kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  if (text.find_first_not_of(kAlphabet) != text.npos) return no_token("holds other characters");
  TokenBytes bytes{};
  size_t size = 0;
  const char* end = nullptr;
  const int failed =
      sodium_base642bin(bytes.data(), bytes.size(), text.data(), text.size(), nullptr, &size, &end,
                        sodium_base64_VARIANT_URLSAFE_NO_PADDING);
  if (failed != 0 || end != text.data() + text.size() || size != bytes.size()) {
    return no_token("is cut off");
  }
  uint8_t check[kCheck];
  put_check(bytes.data(), check);
  if (!std::equal(check, check + kCheck, bytes.data() + kBody)) {
    return no_token("has a wrong character in it");
  }
  JoinToken token;
  token.authority = token_hex(bytes.data(), kAuthority);
  token.id = token_hex(bytes.data() + kAuthority, kId);
  std::copy_n(bytes.data() + kAuthority + kId, kSecret, token.secret.begin());
  return token;
}

std::string JoinToken::text() const {
  TokenBytes bytes{};
  put_hex(authority, bytes.data(), kAuthority);
  put_hex(id, bytes.data() + kAuthority, kId);
  std::ranges::copy(secret, bytes.data() + kAuthority + kId);
  put_check(bytes.data(), bytes.data() + kBody);
  char text[sodium_base64_ENCODED_LEN(bytes.size(), sodium_base64_VARIANT_URLSAFE_NO_PADDING)];
  sodium_bin2base64(text, sizeof(text), bytes.data(), bytes.size(),
                    sodium_base64_VARIANT_URLSAFE_NO_PADDING);
  return std::string(kTokenPrefix) + text;
}

std::string JoinToken::secret_hash() const {
  return store::sha256({reinterpret_cast<const char*>(secret.data()), secret.size()});
}

}  // namespace verge::net
