// Einsum of one or two tensors: sums, transposes, and one batched matrix product.

#include <algorithm>
#include <map>

#include <verge/engine/onnx/node_context.hpp>
#include <verge/engine/onnx/op_group.hpp>

namespace verge::onnx::ops {
namespace {

/// A tensor whose axes have these letters.
struct Term {
  Value x;
  std::string letters;
};

bool has(const std::string& letters, char letter) {
  return letters.find(letter) != std::string::npos;
}

class Contraction {
 public:
  explicit Contraction(NodeContext& node) : node_(node) {}

  Status read() {
    std::string text = node_.text("equation");
    std::erase(text, ' ');
    const size_t arrow = text.find("->");
    std::string inputs = text.substr(0, arrow);
    for (size_t i = 0; i < node_.input_count(); ++i) {
      const size_t end = std::min(inputs.find(','), inputs.size());
      VERGE_RETURN_IF_ERROR(add_term(inputs.substr(0, end), i));
      inputs.erase(0, end + 1);
    }
    if (!inputs.empty()) return malformed("has more terms than there are inputs");
    result_ = arrow == std::string::npos ? letters_read_once() : text.substr(arrow + 2);
    for (char letter : result_) {
      if (extents_.contains(letter) && std::ranges::count(result_, letter) == 1) continue;
      return malformed("names an axis of the result that no input has, or twice");
    }
    return {};
  }

  Result<Value> value() {
    Term sum = drop(terms_[0], terms_.size() > 1 ? terms_[1].letters : "");
    if (terms_.size() > 1) sum = product(sum, drop(terms_[1], terms_[0].letters));
    return ordered(sum, result_).x;
  }

 private:
  Status add_term(const std::string& letters, size_t input) {
    const Shape shape = node_.shape(node_.in(input));
    if (static_cast<int>(letters.size()) != shape.rank()) {
      return malformed(fmt::format("has {} letters for {}", letters.size(), shape.str()));
    }
    for (size_t i = 0; i < letters.size(); ++i) {
      const bool is_letter = std::isalpha(static_cast<unsigned char>(letters[i])) != 0;
      if (!is_letter || std::ranges::count(letters, letters[i]) != 1) {
        return node_.unsupported(fmt::format("equation \"{}\"", node_.text("equation")));
      }
      const int64_t extent = shape[static_cast<int>(i)];
      const auto [at, is_new] = extents_.try_emplace(letters[i], extent);
      if (!is_new && at->second != extent) {
        return malformed(fmt::format("joins axes of {} and {}", at->second, extent));
      }
    }
    terms_.push_back({node_.in(input), letters});
    return {};
  }

  Error malformed(std::string_view what) const {
    return node_.malformed(fmt::format("equation \"{}\" {}", node_.text("equation"), what));
  }

  std::string letters_read_once() const {
    std::string once;
    for (const auto& [letter, extent] : extents_) {
      int64_t reads = 0;
      for (const Term& term : terms_) reads += has(term.letters, letter) ? 1 : 0;
      if (reads == 1) once += letter;
    }
    return once;
  }

  // Sums over axes that neither the result nor the other term has.
  Term drop(const Term& term, const std::string& others) {
    std::vector<int64_t> axes;
    Term left{term.x, ""};
    for (size_t i = 0; i < term.letters.size(); ++i) {
      if (has(result_, term.letters[i]) || has(others, term.letters[i])) {
        left.letters += term.letters[i];
      } else {
        axes.push_back(static_cast<int64_t>(i));
      }
    }
    if (axes.empty() || node_.failed()) return left;
    left.x = node_.emit("reduce_sum", {term.x}, {{"axes", axes}});
    return left;
  }

  Term ordered(const Term& term, const std::string& letters) {
    std::vector<int64_t> perm;
    for (char letter : letters) perm.push_back(static_cast<int64_t>(term.letters.find(letter)));
    const bool is_done = node_.failed() || std::ranges::is_sorted(perm);
    return {is_done ? term.x : node_.transpose(term.x, perm), letters};
  }

  int64_t extent_of(const std::string& letters) const {
    int64_t extent = 1;
    for (char letter : letters) extent *= extents_.at(letter);
    return extent;
  }

  Term product(const Term& a, const Term& b) {
    std::string batch, inner, left, right;
    for (char letter : a.letters) {
      if (!has(b.letters, letter))
        left += letter;
      else if (has(result_, letter))
        batch += letter;
      else
        inner += letter;
    }
    for (char letter : b.letters) {
      if (!has(a.letters, letter)) right += letter;
    }
    const Value x = ordered(a, batch + left + inner).x, y = ordered(b, batch + inner + right).x;
    const Value first = node_.reshape(x, {extent_of(batch), extent_of(left), extent_of(inner)});
    const Value second = node_.reshape(y, {extent_of(batch), extent_of(inner), extent_of(right)});
    if (node_.failed()) return {};
    const Value products = node_.emit("matmul", {first, second}, {{"batched", int64_t{1}}});
    const std::string letters = batch + left + right;
    std::vector<int64_t> shape;
    for (char letter : letters) shape.push_back(extents_.at(letter));
    return {node_.reshape(products, shape), letters};
  }

  NodeContext& node_;
  std::vector<Term> terms_;
  std::string result_;
  std::map<char, int64_t> extents_;
};

Status einsum(NodeContext& node) {
  if (node.input_count() < 1 || node.input_count() > 2) {
    return node.unsupported(fmt::format("{} inputs", node.input_count()));
  }
  VERGE_RETURN_IF_ERROR(node.require_inputs(node.input_count()));
  Contraction contraction(node);
  VERGE_RETURN_IF_ERROR(contraction.read());
  VERGE_TRY(const Value y, contraction.value());
  node.set_output(0, y);
  return {};
}

constexpr OnnxOp kOps[] = {{"Einsum", einsum}};

}  // namespace

OpGroup einsum_products() {
  return {kOps};
}

}  // namespace verge::onnx::ops
