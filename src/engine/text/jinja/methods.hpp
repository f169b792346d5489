#pragma once
// What stands after a dot: methods of str, dict and list, keys of dicts, attributes of namespaces.

#include <string>

#include <verge/engine/text/jinja/value.hpp>

namespace verge::text::jinja {

/// `object.name`. As in Jinja a method comes before a key of the same name: write object['items']
/// for the key. Undefined if there is neither; fails if `object` is itself undefined, and for
/// methods that would change a list or dict, which the sandbox forbids.
Value attribute(Run& run, const Value& object, const std::string& name);

/// The pairs of a dict as tuples, for `items` and `dictsort`.
Value dict_items(Run& run, const Value& dict);

}  // namespace verge::text::jinja
