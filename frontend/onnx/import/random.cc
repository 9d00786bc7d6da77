// Random numbers. ONNX's seeds are replaced by streams of the run's seed: see "Randomness" in the
// design.

#include <limits>

#include "frontend/onnx/import/halves.h"
#include "frontend/onnx/import/ops.h"
#include "frontend/onnx/tensor_proto.h"

namespace weft {
namespace {

std::vector<Value> Random(ImportContext& c) {
  return ImportOp(c, {.op = c.op_type(),
                      .inputs = c.ins(),
                      .attributes = {{"stream", c.Stream()}},
                      .ignored = {"seed"}});
}

// Classes by their unnormalized log-probabilities [N,classes]: for each sample a number u below the
// whole probability; the class is the number of those at whose end, the sum up to them, u is not
// yet:
//
//     |--- 0 ---|- 1 -|------ 2 ------|--- 3 ---|       u in 2: the ends of 0 and 1 are passed
//                          u
std::vector<Value> Multinomial(ImportContext& c) {
  const Value x = c.in(0);
  const int64_t samples = c.Int("sample_size", 1);
  const auto type = static_cast<int32_t>(c.Int("dtype", onnx::TensorProto::INT32));
  const std::optional<DType> dtype = ImportedDTypeOf(type);
  if (!c.ok()) return {};
  if (!dtype || !kIndexTypes.contains(*dtype)) {
    return {c.Unsupported(absl::StrCat("dtype ", OnnxTypeName(type), " is not supported"))};
  }
  if (samples < 1 || c.TypeOf(x).rank() != 2) {
    return {c.Fail(absl::InvalidArgumentError(
        absl::StrCat("expected [N,classes] and a sample_size of at least 1, got ",
                     ToString(c.TypeOf(x)), " and ", samples)))};
  }
  const auto slice = [&](Value v, int64_t from, int64_t to) {
    return c.Op("Slice", {v, c.Ints({from}), c.Ints({to}), c.Ints({1})});
  };
  constexpr int64_t kEnd = std::numeric_limits<int64_t>::max();
  const Value p = c.Op("Softmax", {c.Op("Cast", {x}, {{"to", DType::kF64}})}, {{"axis", 1}});
  const Value ends = c.Op("CumSum", {p, c.Scalar(1, DType::kI64)});
  const Value whole = c.Op("Tile", {slice(ends, -1, kEnd), c.Ints({1, samples})});
  const Value u =
      c.Op("Mul", {whole, c.Op("RandomUniformLike", {whole}, {{"stream", c.Stream()}})});
  const Value passed = c.Op(
      "GreaterOrEqual",
      {c.Op("Unsqueeze", {u, c.Ints({2})}), c.Op("Unsqueeze", {slice(ends, 0, -1), c.Ints({1})})});
  const Value counted = c.Op("Cast", {passed}, {{"to", *dtype}});
  return {c.Result("ReduceSum", {counted}, {{"axes", std::vector<int64_t>{2}}, {"keepdims", 0}})};
}

}  // namespace

std::vector<OnnxOp> RandomImports() {
  return {{"Bernoulli", Random},     {"Multinomial", Multinomial},
          {"RandomNormal", Random},  {"RandomNormalLike", Random},
          {"RandomUniform", Random}, {"RandomUniformLike", Random}};
}

}  // namespace weft
