#include "ops/movement.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "ops/broadcast.h"
#include "ops/common.h"

namespace weft {
namespace {

// Calls f(from, to) with the offsets of every element of the box.
template <typename F>
void ForEachElement(const BoxCopy& box, F f) {
  ForEachOffset<2>(box.dims, {box.from_strides, box.to_strides},
                   [&](int64_t, const std::array<int64_t, 2>& at) {
                     f(static_cast<size_t>(box.from + at[0]), static_cast<size_t>(box.to + at[1]));
                   });
}

void CopyBox(const EvalContext& c, const BoxCopy& box) {
  auto* y = static_cast<std::byte*>(c.out(box.output).data);
  const size_t width = SizeOf(c.out(box.output).dtype);
  if (box.input == BoxCopy::kZeros) {
    ForEachElement(box, [&](size_t, size_t to) { std::memset(y + to * width, 0, width); });
    return;
  }
  const auto* x = static_cast<const std::byte*>(c.in(box.input).data);
  ForEachElement(
      box, [&](size_t from, size_t to) { std::memcpy(y + to * width, x + from * width, width); });
}

template <typename T>
void AddBoxes(const EvalContext& c, const Movement& movement) {
  const auto y = c.out().out<T>();
  std::vector<Accumulator<T>> sums(y.size(), 0);
  for (const BoxCopy& box : movement.boxes) {
    if (box.is_empty()) continue;
    const auto x = c.in(box.input).in<T>();
    ForEachElement(
        box, [&](size_t from, size_t to) { sums[to] += static_cast<Accumulator<T>>(x[from]); });
  }
  for (size_t i = 0; i < y.size(); ++i) y[i] = static_cast<T>(sums[i]);
}

}  // namespace

void BoxCopy::AddAxis(int64_t extent, int64_t from_stride, int64_t to_stride) {
  dims.push_back(extent);
  from_strides.push_back(from_stride);
  to_strides.push_back(to_stride);
}

bool BoxCopy::is_empty() const { return std::find(dims.begin(), dims.end(), 0) != dims.end(); }

BoxCopy ZeroBox(std::span<const int64_t> dims) {
  BoxCopy box{.input = BoxCopy::kZeros, .dims = Dims(dims.begin(), dims.end())};
  box.from_strides.assign(dims.size(), 0);
  box.to_strides = RowMajorStrides(dims);
  return box;
}

Movement Reversed(Movement movement) {
  for (BoxCopy& box : movement.boxes) {
    std::swap(box.input, box.output);
    std::swap(box.from, box.to);
    std::swap(box.from_strides, box.to_strides);
  }
  return movement;
}

absl::Status EvaluateMovement(const EvalContext& c, const Movement& movement) {
  if (movement.adds) {
    return VisitNumeric(c.out().dtype, [&](auto zero) { AddBoxes<decltype(zero)>(c, movement); });
  }
  for (const BoxCopy& box : movement.boxes) {
    if (!box.is_empty()) CopyBox(c, box);
  }
  return absl::OkStatus();
}

}  // namespace weft
