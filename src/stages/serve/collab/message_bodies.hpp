#pragma once
// A message of the protocol to its wire form and back, one pair of functions for each: for
// protocol.cpp alone. read_body fails with Malformed, naming the first field that is beyond its
// limits.

#include <verge/stages/serve/collab/field_reader.hpp>

namespace verge::serve {

// session_bodies.cpp: of sessions.
Message pack_message(const HelloMessage& message);
Message pack_message(const AcceptMessage& message);
Message pack_message(const CloseMessage& message);
Message pack_message(const FailureMessage& message);
Result<HelloMessage> read_body(const wire::Hello& body, const Message& message,
                               const CollabLimits& limits);
Result<AcceptMessage> read_body(const wire::Accept& body, const Message& message,
                                const CollabLimits& limits);
Result<CloseMessage> read_body(const wire::Close& body, const Message& message,
                               const CollabLimits& limits);
Result<FailureMessage> read_body(const wire::Failure& body, const Message& message,
                                 const CollabLimits& limits);

// token_bodies.cpp: of states and tokens.
Message pack_message(const StatesMessage& message);
Message pack_message(const FinishMessage& message);
Message pack_message(const TokenMessage& message);
Message pack_message(const NackMessage& message);
Message pack_message(const ResumeMessage& message);
Message pack_message(const BusyMessage& message);
Message pack_message(const PromptMessage& message);
Message pack_message(const TokensMessage& message);
Result<StatesMessage> read_body(const wire::States& body, const Message& message,
                                const CollabLimits& limits);
Result<FinishMessage> read_body(const wire::Finish& body, const Message& message,
                                const CollabLimits& limits);
Result<TokenMessage> read_body(const wire::Token& body, const Message& message,
                               const CollabLimits& limits);
Result<NackMessage> read_body(const wire::Nack& body, const Message& message,
                              const CollabLimits& limits);
Result<ResumeMessage> read_body(const wire::Resume& body, const Message& message,
                                const CollabLimits& limits);
Result<BusyMessage> read_body(const wire::Busy& body, const Message& message,
                              const CollabLimits& limits);
Result<PromptMessage> read_body(const wire::Prompt& body, const Message& message,
                                const CollabLimits& limits);
Result<TokensMessage> read_body(const wire::Tokens& body, const Message& message,
                                const CollabLimits& limits);

}  // namespace verge::serve
