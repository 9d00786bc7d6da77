#include "ops/arguments.h"
#include "ops/broadcast.h"
#include "ops/common.h"
#include "ops/families.h"
#include "ops/movement.h"

namespace weft {
namespace {

absl::StatusOr<int64_t> ReadBlock(const InferContext& c) {
  WEFT_RETURN_IF_ERROR(CheckOneOf(c.attributes(), "mode", {"DCR", "CRD"}));
  const int64_t block = GetInt(c.attributes(), "blocksize");
  if (c.type(0).rank() != 4) {
    return absl::InvalidArgumentError(
        absl::StrCat("expected an input [N,C,H,W], got ", ToString(c.type(0))));
  }
  if (block < 1 || block > int64_t{1} << 30) {
    return absl::InvalidArgumentError(
        absl::StrCat("expected a blocksize from 1 to 2^30, got ", block));
  }
  return block;
}

absl::StatusOr<Dim> Times(const Dim& dim, int64_t n) {
  if (const auto product = Dim::Multiply(dim, n)) return *product;
  return absl::InvalidArgumentError(
      absl::StrCat("expected extents that fit 64 bits, got ", dim.ToString(), " times ", n));
}

absl::StatusOr<Dim> Over(const Dim& dim, int64_t n, std::string_view what) {
  if (const auto quotient = Dim::DivideExactly(dim, n)) return *quotient;
  if (!dim.is_static()) return InferContext::DerivedDim(absl::StrCat(dim.ToString(), "/", n));
  return absl::InvalidArgumentError(
      absl::StrCat("expected ", Absl(what), " that ", n, " divides, got ", dim.ToString()));
}

absl::StatusOr<std::vector<TensorType>> InferDepthToSpace(const InferContext& c) {
  WEFT_ASSIGN_OR_RETURN(const int64_t block, ReadBlock(c));
  TensorType type = c.type(0);
  WEFT_ASSIGN_OR_RETURN(type.shape[1], Over(type.shape[1], block * block, "channels"));
  WEFT_ASSIGN_OR_RETURN(type.shape[2], Times(type.shape[2], block));
  WEFT_ASSIGN_OR_RETURN(type.shape[3], Times(type.shape[3], block));
  return std::vector<TensorType>{std::move(type)};
}

absl::StatusOr<std::vector<TensorType>> InferSpaceToDepth(const InferContext& c) {
  WEFT_ASSIGN_OR_RETURN(const int64_t block, ReadBlock(c));
  TensorType type = c.type(0);
  WEFT_ASSIGN_OR_RETURN(type.shape[1], Times(type.shape[1], block * block));
  WEFT_ASSIGN_OR_RETURN(type.shape[2], Over(type.shape[2], block, "a height"));
  WEFT_ASSIGN_OR_RETURN(type.shape[3], Over(type.shape[3], block, "a width"));
  return std::vector<TensorType>{std::move(type)};
}

// From `deep` [N,C*b*b,H,W] to `wide` [N,C,H*b,W*b]: channel (by*b + bx)*C + c
// (DCR), or c*b*b + by*b + bx (CRD), at h, w goes to channel c at h*b + by, w*b
// + bx.
Movement ToSpace(const AttributeMap& attributes, std::span<const int64_t> deep,
                 std::span<const int64_t> wide) {
  const int64_t b = GetInt(attributes, "blocksize");
  const int64_t plane = deep[2] * deep[3];
  const bool blocks_first = GetString(attributes, "mode") == "DCR";
  const int64_t block_step = plane * (blocks_first ? wide[1] : 1);
  const std::vector<int64_t> from = RowMajorStrides(deep), to = RowMajorStrides(wide);
  BoxCopy box;
  box.AddAxis(wide[0], from[0], to[0]);
  box.AddAxis(wide[1], plane * (blocks_first ? 1 : b * b), to[1]);
  box.AddAxis(deep[2], from[2], b * to[2]);
  box.AddAxis(b, b * block_step, to[2]);
  box.AddAxis(deep[3], from[3], b);
  box.AddAxis(b, block_step, 1);
  return {.boxes = {std::move(box)}};
}

InputGradients GradientBy(GradientContext& c, std::string_view op) {
  const Value dx = c.Op(op, {c.dy()}, c.attributes());
  return {c.ok() ? ReshapedLike(c, dx, c.x()) : Value()};
}

InputGradients DepthToSpaceGradient(GradientContext& c) { return GradientBy(c, "SpaceToDepth"); }
InputGradients SpaceToDepthGradient(GradientContext& c) { return GradientBy(c, "DepthToSpace"); }

}  // namespace

absl::StatusOr<Movement> DepthToSpaceMovement(const EvalContext& c) {
  return ToSpace(c.attributes, c.in(0).dims, c.out().dims);
}

absl::StatusOr<Movement> SpaceToDepthMovement(const EvalContext& c) {
  return Reversed(ToSpace(c.attributes, c.out().dims, c.in(0).dims));
}

std::vector<OpDef> DepthSpaceOps() {
  const std::vector<AttributeSpec> attributes = {
      {.name = "blocksize", .required = true},
      {.name = "mode", .kind = Attribute::Kind::kString, .fallback = "DCR"}};
  return {
      {.name = "DepthToSpace",
       .doc = "[N,C*b*b,H,W] to [N,C,H*b,W*b], b the blocksize: each b x b "
              "block of the result is "
              "one pixel's channels. mode DCR: the channels are [b,b,C]; CRD: "
              "[C,b,b], PyTorch's "
              "PixelShuffle (Shi et al. 2016).",
       .inputs = {{"input", kAllTypes}},
       .outputs = {{"output"}},
       .attributes = attributes,
       .infer = InferDepthToSpace,
       .gradient = DepthToSpaceGradient,
       .evaluate = EvaluateMoves<DepthToSpaceMovement>,
       .cost = NoArithmetic},
      {.name = "SpaceToDepth",
       .doc = "The inverse of DepthToSpace in the same mode: [N,C,H*b,W*b] to "
              "[N,C*b*b,H,W]. ONNX "
              "has mode DCR only.",
       .inputs = {{"input", kAllTypes}},
       .outputs = {{"output"}},
       .attributes = attributes,
       .infer = InferSpaceToDepth,
       .gradient = SpaceToDepthGradient,
       .evaluate = EvaluateMoves<SpaceToDepthMovement>,
       .cost = NoArithmetic},
  };
}

}  // namespace weft
