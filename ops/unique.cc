#include <algorithm>
#include <numeric>

#include "ops/elementwise.h"
#include "ops/families.h"
#include "ops/order.h"

// As NonZero: as many slices as there can be, and the number of those that there are.

namespace weft {
namespace {

// The slices of X that are told apart: along an axis, or all elements as one line.
absl::StatusOr<Lines> SlicesOf(const AttributeMap& attributes, std::span<const int64_t> dims) {
  if (attributes.contains("axis")) return LinesAlong(dims, GetInt(attributes, "axis"));
  WEFT_ASSIGN_OR_RETURN(const int64_t size, CountElements(dims));
  return Lines{.extent = size};
}

absl::StatusOr<std::vector<TensorType>> InferUnique(const InferContext& c) {
  const TensorType& x = c.type(0);
  WEFT_ASSIGN_OR_RETURN(Dim most, CountElements(x.shape));
  Shape shape = {most};
  if (c.attributes().contains("axis")) {
    WEFT_ASSIGN_OR_RETURN(const int axis, NormalizeAxis(GetInt(c.attributes(), "axis"), x.rank()));
    most = x.dim(axis);
    shape = x.shape;
  }
  const TensorType each = {DType::kI64, {most}};
  return std::vector<TensorType>{
      {x.dtype, std::move(shape)}, each, each, each, {DType::kI64, {Dim(1)}}};
}

// The order of two slices: that of the first elements that differ.
template <typename T>
bool SliceIsLess(const T* x, const Lines& lines, int64_t a, int64_t b) {
  for (int64_t line = 0; line < lines.count(); ++line) {
    const T* first = x + lines.first(line);
    const T left = first[a * lines.inner], right = first[b * lines.inner];
    if (NanLargest(right, left, /*largest=*/true)) return true;
    if (NanLargest(left, right, /*largest=*/true)) return false;
  }
  return false;
}

// Equal slices, by their places in order.
using SliceGroups = std::vector<std::vector<int64_t>>;

template <typename T>
SliceGroups GroupSlices(const T* x, const Lines& lines, bool sorted) {
  const auto less = [&](int64_t a, int64_t b) { return SliceIsLess(x, lines, a, b); };
  std::vector<int64_t> order(static_cast<size_t>(lines.extent));
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), less);
  SliceGroups groups;
  for (int64_t place : order) {
    if (groups.empty() || less(groups.back().front(), place)) groups.emplace_back();
    groups.back().push_back(place);
  }
  if (!sorted) std::ranges::sort(groups, {}, [](const auto& group) { return group.front(); });
  return groups;
}

// Slice `from` of X to slice `to` of Y.
void CopySlice(const EvalContext& c, const Lines& lines, int64_t from, int64_t to) {
  const size_t bytes = static_cast<size_t>(lines.inner) * SizeOf(c.out().dtype);
  const auto* x = static_cast<const std::byte*>(c.in(0).data);
  auto* y = static_cast<std::byte*>(c.out().data);
  for (int64_t o = 0; o < lines.outer; ++o) {
    std::copy_n(x + static_cast<size_t>(o * lines.extent + from) * bytes, bytes,
                y + static_cast<size_t>(o * lines.extent + to) * bytes);
  }
}

absl::Status EvaluateUnique(const EvalContext& c) {
  WEFT_ASSIGN_OR_RETURN(const Lines lines, SlicesOf(c.attributes, c.in(0).dims));
  const DType wide = WidestOf(c.in(0).dtype);
  Tensor memory;
  WEFT_ASSIGN_OR_RETURN(const TensorView x, ConvertedView(c.in(0), wide, memory));
  SliceGroups groups;
  const bool sorted = GetInt(c.attributes, "sorted") != 0;
  WEFT_RETURN_IF_ERROR(VisitDType<kWidestTypes>(wide, [&](auto zero) {
    groups = GroupSlices(x.in<decltype(zero)>().data(), lines, sorted);
  }));
  std::fill_n(static_cast<std::byte*>(c.out().data),
              static_cast<size_t>(c.out().size()) * SizeOf(c.out().dtype), std::byte{0});
  const auto indices = c.out(1).out<int64_t>(), inverse = c.out(2).out<int64_t>(),
             counts = c.out(3).out<int64_t>();
  std::ranges::fill(indices, -1);
  std::ranges::fill(counts, 0);
  for (size_t g = 0; g < groups.size(); ++g) {
    CopySlice(c, lines, groups[g].front(), static_cast<int64_t>(g));
    indices[g] = groups[g].front();
    counts[g] = std::ssize(groups[g]);
    for (int64_t place : groups[g]) inverse[static_cast<size_t>(place)] = static_cast<int64_t>(g);
  }
  c.out(4).out<int64_t>()[0] = std::ssize(groups);
  return absl::OkStatus();
}

}  // namespace

std::vector<OpDef> UniqueOps() {
  return {{.name = "Unique",
           .doc = "The different slices of X along the axis, or its different elements as a list; "
                  "in ascending order, NaN last and equal to itself, or where sorted is 0 in that "
                  "of their first places. They are the first of Y's slices, as many as size says; "
                  "those after them are 0. For each of them indices has the first place and counts "
                  "the number of places (-1 and 0 after them); for each slice of X inverse_indices "
                  "has its place in Y. The first ones are those of ONNX's Unique.",
           .inputs = {{"X", kAllTypes}},
           .outputs = {{"Y"}, {"indices"}, {"inverse_indices"}, {"counts"}, {"size"}},
           .attributes = {{.name = "axis", .kind = Attribute::Kind::kInt},
                          {.name = "sorted", .fallback = 1}},
           .infer = InferUnique,
           .no_gradient = "what it finds jumps with X",
           .evaluate = EvaluateUnique}};
}

}  // namespace weft
