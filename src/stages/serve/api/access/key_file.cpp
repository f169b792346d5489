#include <algorithm>
#include <array>
#include <filesystem>

#include <nlohmann/json.hpp>
#include <sodium.h>
#include <sys/stat.h>

#include <verge/core/file.hpp>
#include <verge/core/file_lock.hpp>
#include <verge/stages/serve/api/access/key_file.hpp>
#include <verge/stages/serve/api/json_body.hpp>
#include <verge/stages/serve/api/json_fields.hpp>

namespace verge::serve::api {
namespace {

using Json = nlohmann::ordered_json;

constexpr size_t kMostBytes = size_t{16} << 20;
constexpr size_t kIdLength = 8;
constexpr size_t kSecretLength = 43;  // of 62 characters: 256 bits
constexpr size_t kHashBytes = 32;
constexpr size_t kSaltBytes = 32;
constexpr size_t kLongestKey = 256;
constexpr std::string_view kAlphabet =
    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

std::string random_text(size_t length) {
  std::string text;
  for (size_t i = 0; i < length; ++i) {
    text += kAlphabet[randombytes_uniform(static_cast<uint32_t>(kAlphabet.size()))];
  }
  return text;
}

std::string hexadecimal(std::span<const unsigned char> bytes) {
  std::string text(bytes.size() * 2 + 1, '\0');
  sodium_bin2hex(text.data(), text.size(), bytes.data(), bytes.size());
  text.pop_back();
  return text;
}

bool is_hexadecimal(std::string_view text, size_t bytes) {
  return text.size() == 2 * bytes &&
         text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

Json to_json(const AccessKey& key) {
  Json json = {{"id", key.id},
               {"hash", key.hash},
               {"tenant", key.tenant},
               {"priority", key.priority},
               {"models", key.models}};
  const AccessLimits& limits = key.limits;
  if (limits.requests_per_minute > 0) json["requests_per_minute"] = limits.requests_per_minute;
  if (limits.tokens_per_minute > 0) json["tokens_per_minute"] = limits.tokens_per_minute;
  if (limits.tokens_per_day > 0) json["tokens_per_day"] = limits.tokens_per_day;
  if (limits.max_concurrent > 0) json["max_concurrent"] = limits.max_concurrent;
  return json;
}

constexpr int64_t kMostUnits = int64_t{1} << 52;

AccessKey read_key(const Json& json, const std::string& path, Problem& problem) {
  Fields fields(json, path, problem);
  AccessKey key;
  key.id = fields.required_text("id");
  key.hash = fields.required_text("hash");
  key.tenant = fields.text("tenant", key.id);
  key.priority = static_cast<int>(fields.integer("priority", 0, -kMostPriority, kMostPriority));
  if (fields.has("models")) key.models = fields.texts("models", 1000);
  key.limits.requests_per_minute = fields.integer("requests_per_minute", 0, 0, kMostUnits);
  key.limits.tokens_per_minute = fields.integer("tokens_per_minute", 0, 0, kMostUnits);
  key.limits.tokens_per_day = fields.integer("tokens_per_day", 0, 0, kMostUnits);
  key.limits.max_concurrent = fields.integer("max_concurrent", 0, 0, kMostUnits);
  if (!problem && !is_hexadecimal(key.hash, kHashBytes)) {
    fields.wrong("hash", fmt::format("{} is no hash of `verge key add`", fields.path_of("hash")));
  }
  fields.finish();
  return key;
}

Status check_settings(const AccessKey& key) {
  const AccessLimits& limits = key.limits;
  for (const int64_t limit : {limits.requests_per_minute, limits.tokens_per_minute,
                              limits.tokens_per_day, limits.max_concurrent}) {
    if (limit < 0 || limit > kMostUnits) {
      return make_error(Code::InvalidArgument, "a limit of {}: give 0 (none) or more", limit);
    }
  }
  if (key.priority < -kMostPriority || key.priority > kMostPriority) {
    return make_error(Code::InvalidArgument, "priority {}: give {} to {}", key.priority,
                      -kMostPriority, kMostPriority);
  }
  return {};
}

Status check_rights(const std::string& path) {
  struct stat facts {};
  if (::stat(path.c_str(), &facts) == 0 && (facts.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
    return make_error(Code::Denied, "{}: others may write this key file; chmod 600 it", path);
  }
  return {};
}

}  // namespace

Result<KeyFile> KeyFile::load(const std::string& path) {
  VERGE_TRY(const std::string text, read_whole_file(path, kMostBytes));
  VERGE_RETURN_IF_ERROR(check_rights(path));
  return parse(text, path);
}

Status KeyFile::change(const std::string& path, bool may_be_new,
                       const std::function<Status(KeyFile&)>& edit) {
  VERGE_TRY(const FileLock alone, FileLock::of_folder_of(path));
  KeyFile file;
  if (!may_be_new || std::filesystem::exists(path)) {
    VERGE_TRY(file, load(path));
  }
  VERGE_RETURN_IF_ERROR(edit(file));
  return file.save(path);
}

Result<KeyFile> KeyFile::parse(std::string_view text, const std::string& path) {
  Problem problem;
  const Json json = parse_body(text, problem);
  Fields fields(json, "", problem);
  KeyFile file;
  file.salt_ = fields.required_text("salt");
  if (!problem && !is_hexadecimal(file.salt_, kSaltBytes)) {
    fields.wrong("salt", "salt is not that of `verge key add`");
  }
  const Json* keys = fields.array("keys");
  for (size_t i = 0; keys != nullptr && i < keys->size(); ++i) {
    file.keys_.push_back(read_key((*keys)[i], fmt::format("keys[{}]", i), problem));
  }
  fields.finish();
  if (problem) {
    return make_error(Code::Malformed, "{}: {}; `verge key add` makes key files", path,
                      problem.error().message);
  }
  return file;
}

Status KeyFile::save(const std::string& path) const {
  Json json = {{"salt", salt_}, {"keys", Json::array()}};
  for (const AccessKey& key : keys_) json["keys"].push_back(to_json(key));
  return write_whole_file(path, json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n",
                          Rights::OwnerOnly);
}

Result<std::string> KeyFile::add(AccessKey settings) {
  VERGE_RETURN_IF_ERROR(check_settings(settings));
  if (sodium_init() < 0) return make_error(Code::Internal, "libsodium does not start");
  if (salt_.empty()) {
    std::array<unsigned char, kSaltBytes> salt;
    randombytes_buf(salt.data(), salt.size());
    salt_ = hexadecimal(salt);
  }
  do {
    settings.id = random_text(kIdLength);
  } while (std::ranges::count(keys_, settings.id, &AccessKey::id) > 0);
  if (settings.tenant.empty()) settings.tenant = settings.id;
  const std::string secret = fmt::format("vk_{}_{}", settings.id, random_text(kSecretLength));
  settings.hash = hash_of(secret);
  keys_.push_back(std::move(settings));
  return secret;
}

Status KeyFile::revoke(std::string_view id) {
  const auto found = std::ranges::find(keys_, id, &AccessKey::id);
  if (found == keys_.end()) {
    return make_error(Code::NotFound, "no key has the id {}; `verge key list` shows them", id);
  }
  keys_.erase(found);
  return {};
}

const AccessKey* KeyFile::find(std::string_view secret) const {
  const std::string hash = hash_of(secret.substr(0, kLongestKey));
  const AccessKey* match = nullptr;
  for (const AccessKey& key : keys_) {
    const bool same = sodium_memcmp(key.hash.data(), hash.data(), hash.size()) == 0;
    if (same && secret.size() <= kLongestKey) match = &key;
  }
  return match;
}

std::string KeyFile::hash_of(std::string_view secret) const {
  std::array<unsigned char, kHashBytes> hash;
  crypto_generichash(hash.data(), hash.size(),
                     reinterpret_cast<const unsigned char*>(secret.data()), secret.size(),
                     reinterpret_cast<const unsigned char*>(salt_.data()),
                     std::min<size_t>(salt_.size(), crypto_generichash_KEYBYTES_MAX));
  return hexadecimal(hash);
}

}  // namespace verge::serve::api
