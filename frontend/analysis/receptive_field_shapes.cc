#include "frontend/analysis/receptive_field_shapes.h"

#include <algorithm>
#include <optional>

namespace weft {
namespace {

FieldAxis Hull(const FieldAxis& a, const FieldAxis& b) {
  const double start = std::min(a.start, b.start);
  FieldAxis hull = a;
  hull.size = std::max(a.start + a.size, b.start + b.size) - start;
  hull.start = start;
  return hull;
}

// The products of the first 0, 1, 2, … dims; nullopt from an overflow on.
std::vector<std::optional<Dim>> Products(const Shape& shape) {
  std::vector<std::optional<Dim>> products = {Dim(1)};
  for (const Dim& dim : shape) {
    products.push_back(products.back() ? Dim::Multiply(*products.back(), dim) : std::nullopt);
  }
  return products;
}

// Axes [from_begin, from_end) of a shape and [to_begin, to_end) of its reshaping: as many elements.
struct Group {
  size_t from_begin, from_end, to_begin, to_end;
};

std::vector<Group> GroupsOf(const Shape& from, const Shape& to) {
  const auto a = Products(from), b = Products(to);
  std::vector<Group> groups;
  Group group{0, 0, 0, 0};
  for (size_t i = 1; i < a.size(); ++i) {
    for (size_t j = group.to_begin + 1; j < b.size() && a[i]; ++j) {
      if (a[i] != b[j]) continue;
      groups.push_back({group.from_begin, i, group.to_begin, j});
      group = {i, i, j, j};
      break;
    }
  }
  groups.push_back({group.from_begin, from.size(), group.to_begin, to.size()});
  return groups;
}

std::vector<size_t> LongAxes(const Shape& shape, size_t begin, size_t end) {
  std::vector<size_t> axes;
  for (size_t axis = begin; axis < end; ++axis) {
    if (shape[axis] != Dim(1)) axes.push_back(axis);
  }
  return axes;
}

// Where the axes of one group go: one that stays alone is followed.
void RegroupAxis(TracedAxis& traced, const AxisSet& before, const Shape& from, const Shape& to,
                 const Group& group) {
  const auto sources = LongAxes(from, group.from_begin, group.from_end);
  const auto targets = LongAxes(to, group.to_begin, group.to_end);
  for (size_t axis = group.from_begin; axis < group.from_end; ++axis) {
    if (!before[axis]) continue;
    if (from[axis] == Dim(1)) {
      traced.field.placed = false;  // a single unit
      continue;
    }
    if (sources.size() > 1 || targets.size() != 1) traced.field.placed = false;
    for (size_t target : targets) traced.along.set(target);
  }
}

}  // namespace

const Shape& ShapeOf(const FieldContext& c, int input) { return c.node.input(input).type().shape; }

absl::StatusOr<Trace> OnlyOf(const FieldContext& c, int data) {
  for (size_t i = 0; i < c.inputs.size(); ++i) {
    if (c.inputs[i] && static_cast<int>(i) != data) {
      return Unknown("expected that only input ", data, " depends on the network's input, also ", i,
                     " does");
    }
  }
  return *c.inputs[static_cast<size_t>(data)];
}

bool MovesAlong(const Trace& trace, size_t axis) {
  return std::any_of(trace.begin(), trace.end(),
                     [axis](const TracedAxis& traced) { return traced.along[axis]; });
}

void See(Trace& trace, const AxisSet& axes) {
  for (TracedAxis& traced : trace) {
    if ((traced.along & axes).none()) continue;
    traced = {.field = {.whole = true, .placed = false}, .along = {}};
  }
}

void Drop(Trace& trace, const AxisSet& axes) {
  for (TracedAxis& traced : trace) {
    AxisSet along;
    size_t kept = 0;
    for (size_t axis = 0; axis < kMaxRank; ++axis) {
      if (!axes[axis]) along.set(kept++, traced.along[axis]);
    }
    traced.along = along;
  }
}

absl::StatusOr<Trace> Union(std::vector<Trace> branches) {
  Trace result = branches[0];
  for (size_t b = 1; b < branches.size(); ++b) {
    for (size_t i = 0; i < result.size(); ++i) {
      TracedAxis& a = result[i];
      const TracedAxis& other = branches[b][i];
      if (a == other || a.field.whole) continue;
      if (other.field.whole) {
        a = other;
      } else if (!a.field.placed || !other.field.placed || a.along != other.along) {
        return Unknown("branches along other axes");
      } else if (a.field.stride != other.field.stride) {
        return Unknown("branches of strides ", a.field.stride, " and ", other.field.stride);
      } else {
        a.field = Hull(a.field, other.field);
      }
    }
  }
  return result;
}

void Regroup(Trace& trace, const Shape& from, const Shape& to) {
  const std::vector<Group> groups = GroupsOf(from, to);
  for (TracedAxis& traced : trace) {
    const AxisSet before = traced.along;
    traced.along.reset();
    for (const Group& group : groups) RegroupAxis(traced, before, from, to, group);
  }
}

}  // namespace weft
