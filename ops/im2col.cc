#include "ops/im2col.h"

#include <algorithm>
#include <optional>

#include "ops/common.h"
#include "ops/families.h"
#include "ops/window_loops.h"

namespace weft {
namespace {

template <typename... Args>
absl::Status Invalid(const Args&... args) {
  return absl::InvalidArgumentError(absl::StrCat(args...));
}

std::vector<AttributeSpec> ColumnAttributes() {
  return {{"strides", Attribute::Kind::kInts},
          {"pads", Attribute::Kind::kInts},
          {"dilations", Attribute::Kind::kInts}};
}

// [N, C*taps, positions] for an image [N,C,spatial...] and a kernel: the weights of a convolution
// with one output channel decide how often it fits.
absl::StatusOr<Shape> ColumnShape(const AttributeMap& attributes, const Shape& image,
                                  const Dims& kernel) {
  if (image.size() < 3 || kernel.size() != image.size() - 2) {
    return Invalid("expected an image [N,C,spatial axes...] and one kernel extent a spatial axis, ",
                   "got ", ToString(image), " and ", ToString(kernel));
  }
  Shape weights = {1, image[1]};
  weights.insert(weights.end(), kernel.begin(), kernel.end());
  WEFT_ASSIGN_OR_RETURN(const Shape fits, InferConvShape(attributes, image, weights));
  WEFT_ASSIGN_OR_RETURN(const Dim rows, CountElements(Shape(weights.begin() + 1, weights.end())));
  WEFT_ASSIGN_OR_RETURN(const Dim positions, CountElements(Shape(fits.begin() + 2, fits.end())));
  Shape columns = {image[0], rows, positions};
  WEFT_RETURN_IF_ERROR(CountElements(columns).status());
  return columns;
}

absl::StatusOr<std::vector<TensorType>> InferIm2Col(const InferContext& c) {
  const Dims kernel = GetInts(c.attributes(), "kernel_shape");
  WEFT_ASSIGN_OR_RETURN(Shape columns, ColumnShape(c.attributes(), c.type(0).shape, kernel));
  return std::vector<TensorType>{{c.type(0).dtype, std::move(columns)}};
}

absl::Status EvaluateIm2Col(const EvalContext& c) {
  WEFT_ASSIGN_OR_RETURN(
      const ConvWindow w,
      ReadColumnWindow(c.attributes, c.in(0).dims, GetInts(c.attributes, "kernel_shape")));
  const int64_t size = w.kernel_size() * w.output_size(), stride = w.strides.back();
  VisitWidth(c.out().dtype, [&](auto zero) {
    using Word = decltype(zero);
    const auto* x = static_cast<const Word*>(c.in(0).data);
    auto* y = static_cast<Word*>(c.out().data);
    std::fill_n(y, c.out().size(), zero);
    for (int64_t plane = 0; plane < w.batch * w.in_channels; ++plane) {
      ForEachTapRun(w, [&](const Run& run) {
        const Word* from = x + plane * w.input_size() + run.input;
        Word* to = y + plane * size + run.tap * w.output_size() + run.output;
        for (int64_t i = 0; i < run.count; ++i) to[i] = from[i * stride];
      });
    }
  });
  return absl::OkStatus();
}

// The shape of the spatial axes, as a value: constant where it is known.
Value SpatialShape(GradientContext& c, Value image) {
  const Shape& shape = image.type().shape;
  const auto dims = StaticDims(Shape(shape.begin() + 2, shape.end()));
  if (dims.ok()) return c.Ints(*dims);
  return c.Fail(absl::UnimplementedError(absl::StrCat(
      "expected known spatial extents, got ", ToString(shape), "; bind the symbols first (Bind)")));
}

AttributeMap WithoutKernel(AttributeMap attributes) {
  attributes.erase("kernel_shape");
  return attributes;
}

InputGradients Im2ColGradient(GradientContext& c) {
  const Value kernel = c.Ints(GetInts(c.attributes(), "kernel_shape"));
  return {c.Op("Col2Im", {c.dy(), SpatialShape(c, c.x()), kernel}, WithoutKernel(c.attributes()))};
}

// The rank of a list of extents; an error unless `type` is a list of at most kMaxRank - 2.
absl::StatusOr<int64_t> ListLength(std::string_view name, const TensorType& type) {
  if (type.rank() == 1 && type.dim(0).is_static() && type.dim(0).coefficient() >= 1 &&
      type.dim(0).coefficient() <= kMaxRank - 2) {
    return type.dim(0).coefficient();
  }
  return Invalid("expected ", std::string(name), " i64[spatial axes], 1 to ", kMaxRank - 2,
                 ", got ", ToString(type));
}

// C of [N, C*taps, positions].
absl::StatusOr<Dim> ChannelsOf(const Dim& rows, const Dims& kernel) {
  WEFT_ASSIGN_OR_RETURN(const int64_t taps, CountElements(kernel));
  if (taps == 0) return Invalid("expected block_shape of at least 1, got ", ToString(kernel));
  if (std::optional<Dim> channels = Dim::DivideExactly(rows, taps)) return *channels;
  return Invalid("expected rows that the ", taps, " taps of block_shape divide, got ",
                 rows.ToString());
}

absl::StatusOr<Shape> ImageShape(const AttributeMap& attributes, const Shape& columns,
                                 std::span<const int64_t> image, const Dims& kernel) {
  WEFT_ASSIGN_OR_RETURN(const Dim channels, ChannelsOf(columns[1], kernel));
  Shape shape = {columns[0], channels};
  shape.insert(shape.end(), image.begin(), image.end());
  WEFT_RETURN_IF_ERROR(CountElements(shape).status());
  WEFT_ASSIGN_OR_RETURN(const Shape expected, ColumnShape(attributes, shape, kernel));
  WEFT_RETURN_IF_ERROR(CheckShape("columns", expected, columns));
  return shape;
}

Dims ValuesOf(const Tensor& tensor) {
  const auto values = tensor.values<int64_t>();
  return {values.begin(), values.end()};
}

absl::StatusOr<std::vector<TensorType>> InferCol2Im(const InferContext& c) {
  const TensorType& columns = c.type(0);
  if (columns.rank() != 3) {
    return Invalid("expected columns [N,C*taps,positions], got ", ToString(columns));
  }
  WEFT_ASSIGN_OR_RETURN(const int64_t rank, ListLength("image_shape", c.type(1)));
  WEFT_ASSIGN_OR_RETURN(const int64_t blocks, ListLength("block_shape", c.type(2)));
  if (rank != blocks) {
    return Invalid("expected image_shape and block_shape of one length, got ", rank, " and ",
                   blocks);
  }
  const Tensor *image = c.constant(1), *kernel = c.constant(2);
  TensorType type{columns.dtype, {columns.dim(0)}};
  if (image != nullptr && kernel != nullptr) {
    WEFT_ASSIGN_OR_RETURN(
        type.shape, ImageShape(c.attributes(), columns.shape, ValuesOf(*image), ValuesOf(*kernel)));
    return std::vector<TensorType>{std::move(type)};
  }
  type.shape.push_back(c.FreshDim("channels"));
  for (int64_t axis = 0; axis < rank; ++axis) {
    type.shape.push_back(c.FreshDim("d" + std::to_string(axis)));
  }
  return std::vector<TensorType>{std::move(type)};
}

absl::Status EvaluateCol2Im(const EvalContext& c) {
  WEFT_ASSIGN_OR_RETURN(const ConvWindow w, ReadCol2ImWindow(c));
  const int64_t size = w.kernel_size() * w.output_size(), stride = w.strides.back();
  return VisitNumeric(c.out().dtype, [&](auto zero) {
    using T = decltype(zero);
    const T* x = c.in(0).in<T>().data();
    T* y = c.out().out<T>().data();
    std::vector<Accumulator<T>> sums(static_cast<size_t>(w.input_size()));
    for (int64_t plane = 0; plane < w.batch * w.in_channels; ++plane) {
      std::fill(sums.begin(), sums.end(), 0);
      ForEachTapRun(w, [&](const Run& run) {
        const T* from = x + plane * size + run.tap * w.output_size() + run.output;
        auto* to = sums.data() + run.input;
        for (int64_t i = 0; i < run.count; ++i) {
          to[i * stride] += static_cast<Accumulator<T>>(from[i]);
        }
      });
      std::transform(sums.begin(), sums.end(), y + plane * w.input_size(),
                     [](Accumulator<T> sum) { return static_cast<T>(sum); });
    }
  });
}

InputGradients Col2ImGradient(GradientContext& c) {
  const Tensor* kernel = ConstantValue(c.x(2));
  if (kernel == nullptr) {
    return {
        c.Fail(absl::UnimplementedError("expected a constant block_shape, got a computed one"))};
  }
  AttributeMap attributes = c.attributes();
  attributes["kernel_shape"] = ValuesOf(*kernel);
  return {c.Op("Im2Col", {c.dy()}, std::move(attributes))};
}

// One addition an element of the columns.
Cost Col2ImCost(const CostContext& c) { return {.flops = static_cast<double>(c.InputSize(0))}; }

OpDef Im2Col() {
  std::vector<AttributeSpec> attributes = ColumnAttributes();
  attributes.push_back({.name = "kernel_shape", .kind = Attribute::Kind::kInts, .required = true});
  return {.name = "Im2Col",
          .doc =
              "The windows of an image [N,C,spatial...] as the columns of [N, C*taps, "
              "positions]: PyTorch's Unfold, for any number of spatial axes. A convolution is "
              "the product of its weights [O, C*taps] with them. Padding reads as zero.",
          .inputs = {{"X", kAllTypes}},
          .attributes = std::move(attributes),
          .infer = InferIm2Col,
          .gradient = Im2ColGradient,
          .evaluate = EvaluateIm2Col,
          .cost = NoArithmetic};
}

OpDef Col2Im() {
  return {.name = "Col2Im",
          .doc =
              "The image [N,C,image_shape...] that sums columns [N, C*taps, positions] where "
              "windows of block_shape overlap, as ONNX's (PyTorch's Fold): the transpose of "
              "Im2Col.",
          .inputs = {{"input", kNumericTypes},
                     {"image_shape", {DType::kI64}, Arity::kRequired, ' '},
                     {"block_shape", {DType::kI64}, Arity::kRequired, ' '}},
          .outputs = {{"output"}},
          .attributes = ColumnAttributes(),
          .infer = InferCol2Im,
          .gradient = Col2ImGradient,
          .evaluate = EvaluateCol2Im,
          .cost = Col2ImCost};
}

}  // namespace

absl::StatusOr<ConvWindow> ReadColumnWindow(const AttributeMap& attributes,
                                            std::span<const int64_t> image, const Dims& kernel) {
  Dims weights = {1, image[1]};
  weights.insert(weights.end(), kernel.begin(), kernel.end());
  return ReadConvWindow(attributes, image, weights);
}

absl::StatusOr<ConvWindow> ReadCol2ImWindow(const EvalContext& c) {
  const auto image = c.in(1).in<int64_t>(), block = c.in(2).in<int64_t>();
  const Dims kernel(block.begin(), block.end());
  WEFT_ASSIGN_OR_RETURN(const Shape shape,
                        ImageShape(c.attributes, ToShape(c.in(0).dims), image, kernel));
  WEFT_RETURN_IF_ERROR(CheckShape("an output", shape, ToShape(c.out().dims)));
  WEFT_ASSIGN_OR_RETURN(const Dims dims, StaticDims(shape));
  return ReadColumnWindow(c.attributes, dims, kernel);
}

std::vector<OpDef> Im2ColOps() { return {Im2Col(), Col2Im()}; }

}  // namespace weft
