#include <algorithm>

#include <verge/stages/serve/collab/message_bodies.hpp>
#include <verge/stages/serve/collab/protocol.hpp>

namespace verge::serve {
namespace {

template <typename Body>
Result<std::optional<CollabMessage>> read_as(const Message& message, const CollabLimits& limits) {
  Body body;
  if (!body.ParseFromString(message.body)) {
    return make_error(Code::Malformed, "a message of kind {}: its {} bytes are no {}", message.kind,
                      message.body.size(), body.GetTypeName());
  }
  VERGE_TRY(CollabMessage read, read_body(body, message, limits));
  return std::optional<CollabMessage>(std::move(read));
}

}  // namespace

Message to_message(const CollabMessage& message) {
  return std::visit([](const auto& typed) { return pack_message(typed); }, message);
}

Result<std::optional<CollabMessage>> read_message(const Message& message,
                                                  const CollabLimits& limits) {
  switch (static_cast<CollabKind>(message.kind)) {
    case CollabKind::Hello:
      return read_as<wire::Hello>(message, limits);
    case CollabKind::Accept:
      return read_as<wire::Accept>(message, limits);
    case CollabKind::States:
      return read_as<wire::States>(message, limits);
    case CollabKind::Finish:
      return read_as<wire::Finish>(message, limits);
    case CollabKind::Token:
      return read_as<wire::Token>(message, limits);
    case CollabKind::Nack:
      return read_as<wire::Nack>(message, limits);
    case CollabKind::Resume:
      return read_as<wire::Resume>(message, limits);
    case CollabKind::Close:
      return read_as<wire::Close>(message, limits);
    case CollabKind::Failure:
      return read_as<wire::Failure>(message, limits);
    case CollabKind::Busy:
      return read_as<wire::Busy>(message, limits);
    case CollabKind::Prompt:
      return read_as<wire::Prompt>(message, limits);
    case CollabKind::Tokens:
      return read_as<wire::Tokens>(message, limits);
  }
  return std::optional<CollabMessage>();
}

Status check_same_split(const SplitIdentity& device, const SplitIdentity& server) {
  const auto differ = [](std::string_view what, const auto& ours, const auto& theirs) -> Status {
    return make_error(Code::Conflict,
                      "the device's {} is {}, the server's {}; give both the halves of one split",
                      what, ours, theirs);
  };
  if (device.version != server.version) {
    return make_error(Code::Conflict,
                      "the device speaks version {} of the protocol, the server {}; update the "
                      "older of them",
                      device.version, server.version);
  }
  if (device.model_hash != server.model_hash) {
    return differ("model", device.model_hash, server.model_hash);
  }
  if (device.tokenizer_hash != server.tokenizer_hash) {
    return differ("tokenizer", device.tokenizer_hash, server.tokenizer_hash);
  }
  if (device.exit1 != server.exit1) return differ("first exit", device.exit1, server.exit1);
  if (device.exit2 != server.exit2) return differ("second exit", device.exit2, server.exit2);
  if (device.layers != server.layers) {
    return differ("number of layers", device.layers, server.layers);
  }
  if (device.width != server.width) return differ("width", device.width, server.width);
  return {};
}

Result<std::vector<std::string>> common_codecs(std::span<const std::string> offered,
                                               std::span<const std::string> known) {
  std::vector<std::string> common;
  for (const std::string& codec : offered) {
    if (std::ranges::count(known, codec) > 0) common.push_back(codec);
  }
  if (!common.empty()) return common;
  return make_error(Code::Unsupported, "the device offers the codecs {}, the server reads {}",
                    fmt::join(offered, ", "), fmt::join(known, ", "));
}

}  // namespace verge::serve
