#ifndef WEFT_RUNTIME_ONEDNN_API_H_
#define WEFT_RUNTIME_ONEDNN_API_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"
#include "oneapi/dnnl/dnnl.hpp"

// What differs between oneDNN's versions 2 and 3: reading descriptors of memory, and making those
// of primitives. CMake compiles api_v2.cc or api_v3.cc, by the version that it finds; the rest of
// this folder is the same for both. All of this may throw dnnl::error.

namespace weft {

using MemoryDesc = dnnl::memory::desc;
using PrimitiveDesc = dnnl::primitive_desc_base;

// The CPU. Made on first use, never destroyed.
const dnnl::engine& DnnlEngine();

dnnl::memory::dims DimsOf(const MemoryDesc& desc);

// How elements lie in memory.
struct Format {
  enum class Kind { kAny, kBlocked, kWinograd, kPacked };
  Kind kind = Kind::kBlocked;  // kAny: for a primitive to choose
  // Of kBlocked: a stride for each axis, in elements, and the blocks with their axes.
  dnnl::memory::dims strides = {}, blocks = {}, block_axes = {};
};
Format FormatOf(const MemoryDesc& desc);

// A string that stands for the descriptor in this process: equal ones for equal descriptors, and
// only for those.
std::string ToNative(const MemoryDesc& desc);
MemoryDesc FromNative(std::string_view native);

// What a primitive does, whichever version of the description it was made with.
dnnl_primitive_kind_t PrimitiveKindOf(const PrimitiveDesc& desc);

// The images, weights and steps of a convolution, or of its gradients. A default bias is none.
struct ConvDescs {
  MemoryDesc src, weights, bias, dst;
  dnnl::memory::dims strides, dilations, pads_begin, pads_end;
};
// Returns whether to go on.
using VisitPrimitive = absl::FunctionRef<bool(const PrimitiveDesc&)>;
// The library's implementations, in its order. Forward ones are those for inference.
void ForEachConv(dnnl::algorithm how, const ConvDescs& conv, const dnnl::primitive_attr& attributes,
                 VisitPrimitive visit);
void ForEachConvGradInput(const ConvDescs& conv, const dnnl::primitive_attr& attributes,
                          VisitPrimitive visit);
void ForEachConvGradWeight(const ConvDescs& conv, const dnnl::primitive_attr& attributes,
                           VisitPrimitive visit);

struct PoolDescs {
  MemoryDesc src, dst;
  dnnl::memory::dims strides, kernel, dilations, pads_begin, pads_end;
};
PrimitiveDesc DescribePool(dnnl::prop_kind kind, dnnl::algorithm how, const PoolDescs& pool,
                           const dnnl::primitive_attr& attributes);
PrimitiveDesc DescribePoolGrad(dnnl::algorithm how, const PoolDescs& pool,
                               const dnnl::primitive_attr& attributes);

PrimitiveDesc DescribeBatchNorm(dnnl::prop_kind kind, const MemoryDesc& data, float epsilon,
                                dnnl::normalization_flags flags,
                                const dnnl::primitive_attr& attributes);
// Whether the gradient's operands include the shift.
extern const bool kBatchNormGradTakesShift;
PrimitiveDesc DescribeBatchNormGrad(const MemoryDesc& data, float epsilon,
                                    dnnl::normalization_flags flags,
                                    const dnnl::primitive_attr& attributes);

PrimitiveDesc DescribeSoftmax(const MemoryDesc& data, int axis,
                              const dnnl::primitive_attr& attributes);
PrimitiveDesc DescribeSoftmaxGrad(const MemoryDesc& data, int axis,
                                  const dnnl::primitive_attr& attributes);

// A default bias is none.
PrimitiveDesc DescribeMatmul(const MemoryDesc& a, const MemoryDesc& b, const MemoryDesc& bias,
                             const MemoryDesc& y, const dnnl::primitive_attr& attributes);
PrimitiveDesc DescribeInnerProduct(const MemoryDesc& x, const MemoryDesc& weights,
                                   const MemoryDesc& bias, const MemoryDesc& y,
                                   const dnnl::primitive_attr& attributes);

PrimitiveDesc DescribeEltwise(dnnl::algorithm how, const MemoryDesc& data, float alpha, float beta,
                              const dnnl::primitive_attr& attributes);
PrimitiveDesc DescribeBinary(dnnl::algorithm how, const MemoryDesc& a, const MemoryDesc& b,
                             const MemoryDesc& y, const dnnl::primitive_attr& attributes);
PrimitiveDesc DescribeNearestResampling(const std::vector<float>& factors, const MemoryDesc& src,
                                        const MemoryDesc& dst,
                                        const dnnl::primitive_attr& attributes);
PrimitiveDesc DescribeConcat(int axis, const std::vector<MemoryDesc>& sources,
                             const MemoryDesc& target, const dnnl::primitive_attr& attributes);

void AppendEltwise(dnnl::post_ops& posts, dnnl::algorithm how, float alpha, float beta);

}  // namespace weft

#endif  // WEFT_RUNTIME_ONEDNN_API_H_
