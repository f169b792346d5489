#pragma once
// The messages of a chat request, in the form that chat templates read.

#include <verge/stages/serve/api/generation_request.hpp>
#include <verge/stages/serve/api/json_fields.hpp>

namespace verge::serve::api {

constexpr size_t kMostMessages = 4096;

/// OpenAI's `messages`: roles system, developer (a system message), user, assistant, tool and
/// function; content as text, as a list of text parts, or null. The `arguments` of tool calls,
/// which are JSON in a string, become objects, as templates expect. Reports what else there is:
/// pictures and sound, unknown roles, an empty list.
Json read_openai_messages(Fields& fields, std::string_view name);

/// Ollama's: `content` is a string, `arguments` an object, `images` are refused.
Json read_ollama_messages(Fields& fields, std::string_view name);

}  // namespace verge::serve::api
