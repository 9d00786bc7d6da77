#ifndef WEFT_GRAPH_ATTRIBUTE_H_
#define WEFT_GRAPH_ATTRIBUTE_H_

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "graph/tensor.h"

namespace weft {

struct Attribute;
using AttributeMap = std::map<std::string, Attribute, std::less<>>;

// One operation applied to a fused node's result before it is stored: an element-wise op with its
// attributes, and the index of the node's input that is its second operand (-1 for a unary op).
struct PostOp {
  std::string op{};
  AttributeMap attributes{};
  int64_t input = -1;
  friend bool operator==(const PostOp& a, const PostOp& b);
};

// A node's attribute. The kinds are ONNX's (booleans are ints) plus dtype, type and post-ops.
struct Attribute {
  using Variant =
      std::variant<int64_t, double, std::string, std::vector<int64_t>, std::vector<double>,
                   std::vector<std::string>, DType, TensorType, Tensor, std::vector<PostOp>>;
  // In the order of Variant.
  enum class Kind {
    kInt,
    kFloat,
    kString,
    kInts,
    kFloats,
    kStrings,
    kDType,
    kType,
    kTensor,
    kPostOps
  };

  Attribute() = default;
  // Compiled once, in attribute.cc: a variant's copies and moves are large code.
  Attribute(const Attribute&);
  Attribute(Attribute&&) noexcept;
  Attribute& operator=(const Attribute&);
  Attribute& operator=(Attribute&&) noexcept;
  ~Attribute();
  Attribute(int value) : value(int64_t{value}) {}            // NOLINT: values are attributes.
  Attribute(const char* text) : value(std::string(text)) {}  // NOLINT
  template <typename T>
  requires std::is_constructible_v<Variant, T> Attribute(T v) : value(std::move(v)) {}  // NOLINT

  Kind kind() const { return static_cast<Kind>(value.index()); }
  std::string ToString() const;  // as in a text dump: [1,1], "relu", 0.5
  friend bool operator==(const Attribute& a, const Attribute& b);

  Variant value = int64_t{0};
};

std::string_view ToString(Attribute::Kind kind);

// Reading attributes whose presence and kind the schema has checked (graph/op.h); a missing one
// gives the fallback.
int64_t GetInt(const AttributeMap& attributes, std::string_view name, int64_t fallback = 0);
double GetFloat(const AttributeMap& attributes, std::string_view name, double fallback = 0);
std::string GetString(const AttributeMap& attributes, std::string_view name,
                      std::string_view fallback = "");
std::vector<int64_t> GetInts(const AttributeMap& attributes, std::string_view name,
                             std::vector<int64_t> fallback = {});
std::vector<PostOp> GetPostOps(const AttributeMap& attributes, std::string_view name);

}  // namespace weft

#endif  // WEFT_GRAPH_ATTRIBUTE_H_
