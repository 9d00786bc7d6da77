#include <algorithm>
#include <cstring>

#include "runtime/onednn/api.h"

// oneDNN 2: a primitive descriptor is made of an operation descriptor, memory descriptors are
// structs.

namespace weft {
namespace {

using dnnl::algorithm;
using dnnl::prop_kind;

// The fields that mean something, and zeros elsewhere: equal descriptors get equal bytes.
dnnl_memory_desc_t Canonical(const dnnl_memory_desc_t& desc) {
  dnnl_memory_desc_t result;
  std::memset(&result, 0, sizeof result);
  result.ndims = desc.ndims;
  result.data_type = desc.data_type;
  result.offset0 = desc.offset0;
  result.format_kind = desc.format_kind;
  std::copy_n(desc.dims, desc.ndims, result.dims);
  std::copy_n(desc.padded_dims, desc.ndims, result.padded_dims);
  std::copy_n(desc.padded_offsets, desc.ndims, result.padded_offsets);
  if (desc.format_kind != dnnl_blocked) {
    std::memcpy(&result.format_desc, &desc.format_desc, sizeof desc.format_desc);
  } else {
    const dnnl_blocking_desc_t& from = desc.format_desc.blocking;
    dnnl_blocking_desc_t& to = result.format_desc.blocking;
    std::copy_n(from.strides, desc.ndims, to.strides);
    to.inner_nblks = from.inner_nblks;
    std::copy_n(from.inner_blks, from.inner_nblks, to.inner_blks);
    std::copy_n(from.inner_idxs, from.inner_nblks, to.inner_idxs);
  }
  result.extra.flags = desc.extra.flags;
  if (desc.extra.flags != 0) result.extra = desc.extra;
  return result;
}

dnnl::convolution_forward::desc ConvDesc(prop_kind kind, algorithm how, const ConvDescs& c) {
  return {kind,  how,       c.src,       c.weights,    c.bias,
          c.dst, c.strides, c.dilations, c.pads_begin, c.pads_end};
}

// The forward convolution that gradients are described by.
dnnl::convolution_forward::primitive_desc ConvHint(ConvDescs conv) {
  conv.bias = MemoryDesc();
  return {ConvDesc(prop_kind::forward_training, algorithm::convolution_direct, conv), DnnlEngine()};
}

// next_impl() reads again what `desc` was made of, which must therefore live on.
template <typename Desc>
void Visit(Desc desc, VisitPrimitive visit) {
  while (visit(desc) && desc.next_impl()) {
  }
}

dnnl::pooling_v2_forward::primitive_desc PoolForward(prop_kind kind, algorithm how,
                                                     const PoolDescs& p,
                                                     const dnnl::primitive_attr& attributes) {
  return {{kind, how, p.src, p.dst, p.strides, p.kernel, p.dilations, p.pads_begin, p.pads_end},
          attributes,
          DnnlEngine()};
}

dnnl::batch_normalization_forward::primitive_desc BatchNormForward(
    prop_kind kind, const MemoryDesc& data, float epsilon, dnnl::normalization_flags flags,
    const dnnl::primitive_attr& attributes) {
  return {{kind, data, epsilon, flags}, attributes, DnnlEngine()};
}

dnnl::softmax_forward::primitive_desc SoftmaxForward(prop_kind kind, const MemoryDesc& data,
                                                     int axis,
                                                     const dnnl::primitive_attr& attributes) {
  return {{kind, data, axis}, attributes, DnnlEngine()};
}

}  // namespace

dnnl::memory::dims DimsOf(const MemoryDesc& desc) { return desc.dims(); }

Format FormatOf(const MemoryDesc& desc) {
  const dnnl_memory_desc_t& data = desc.data;
  if (data.format_kind == dnnl_format_kind_any) return {.kind = Format::Kind::kAny};
  if (data.format_kind == dnnl_format_kind_wino) return {.kind = Format::Kind::kWinograd};
  const bool plain_blocks = data.format_kind == dnnl_blocked && data.extra.flags == 0;
  if (!plain_blocks) return {.kind = Format::Kind::kPacked};
  const dnnl_blocking_desc_t& blocking = data.format_desc.blocking;
  Format format;
  format.strides.assign(blocking.strides, blocking.strides + data.ndims);
  format.blocks.assign(blocking.inner_blks, blocking.inner_blks + blocking.inner_nblks);
  format.block_axes.assign(blocking.inner_idxs, blocking.inner_idxs + blocking.inner_nblks);
  return format;
}

std::string ToNative(const MemoryDesc& desc) {
  const dnnl_memory_desc_t canonical = Canonical(desc.data);
  return std::string(reinterpret_cast<const char*>(&canonical), sizeof canonical);
}

MemoryDesc FromNative(std::string_view native) {
  dnnl_memory_desc_t desc;
  std::memcpy(&desc, native.data(), sizeof desc);
  return MemoryDesc(desc);
}

dnnl_primitive_kind_t PrimitiveKindOf(const PrimitiveDesc& desc) {
  dnnl_primitive_kind_t kind = dnnl_undefined_primitive;
  dnnl_primitive_desc_query(desc.get(), dnnl_query_primitive_kind, 0, &kind);
  return kind == dnnl_pooling_v2 ? dnnl_pooling : kind;
}

void ForEachConv(algorithm how, const ConvDescs& conv, const dnnl::primitive_attr& attributes,
                 VisitPrimitive visit) {
  const auto what = ConvDesc(prop_kind::forward_inference, how, conv);
  Visit(dnnl::convolution_forward::primitive_desc(what, attributes, DnnlEngine()), visit);
}

void ForEachConvGradInput(const ConvDescs& c, const dnnl::primitive_attr& attributes,
                          VisitPrimitive visit) {
  const dnnl::convolution_backward_data::desc what(algorithm::convolution_direct, c.src, c.weights,
                                                   c.dst, c.strides, c.dilations, c.pads_begin,
                                                   c.pads_end);
  const auto hint = ConvHint(c);
  Visit(dnnl::convolution_backward_data::primitive_desc(what, attributes, DnnlEngine(), hint),
        visit);
}

void ForEachConvGradWeight(const ConvDescs& c, const dnnl::primitive_attr& attributes,
                           VisitPrimitive visit) {
  const dnnl::convolution_backward_weights::desc what(algorithm::convolution_direct, c.src,
                                                      c.weights, c.bias, c.dst, c.strides,
                                                      c.dilations, c.pads_begin, c.pads_end);
  const auto hint = ConvHint(c);
  Visit(dnnl::convolution_backward_weights::primitive_desc(what, attributes, DnnlEngine(), hint),
        visit);
}

PrimitiveDesc DescribePool(prop_kind kind, algorithm how, const PoolDescs& pool,
                           const dnnl::primitive_attr& attributes) {
  return PoolForward(kind, how, pool, attributes);
}

PrimitiveDesc DescribePoolGrad(algorithm how, const PoolDescs& p,
                               const dnnl::primitive_attr& attributes) {
  return dnnl::pooling_v2_backward::primitive_desc(
      {how, p.src, p.dst, p.strides, p.kernel, p.dilations, p.pads_begin, p.pads_end}, attributes,
      DnnlEngine(), PoolForward(prop_kind::forward_training, how, p, attributes));
}

PrimitiveDesc DescribeBatchNorm(prop_kind kind, const MemoryDesc& data, float epsilon,
                                dnnl::normalization_flags flags,
                                const dnnl::primitive_attr& attributes) {
  return BatchNormForward(kind, data, epsilon, flags, attributes);
}

const bool kBatchNormGradTakesShift = true;

PrimitiveDesc DescribeBatchNormGrad(const MemoryDesc& data, float epsilon,
                                    dnnl::normalization_flags flags,
                                    const dnnl::primitive_attr& attributes) {
  return dnnl::batch_normalization_backward::primitive_desc(
      {prop_kind::backward, data, data, epsilon, flags}, attributes, DnnlEngine(),
      BatchNormForward(prop_kind::forward_training, data, epsilon, flags, attributes));
}

PrimitiveDesc DescribeSoftmax(const MemoryDesc& data, int axis,
                              const dnnl::primitive_attr& attributes) {
  return SoftmaxForward(prop_kind::forward_inference, data, axis, attributes);
}

PrimitiveDesc DescribeSoftmaxGrad(const MemoryDesc& data, int axis,
                                  const dnnl::primitive_attr& attributes) {
  return dnnl::softmax_backward::primitive_desc(
      {data, data, axis}, attributes, DnnlEngine(),
      SoftmaxForward(prop_kind::forward_training, data, axis, attributes));
}

PrimitiveDesc DescribeMatmul(const MemoryDesc& a, const MemoryDesc& b, const MemoryDesc& bias,
                             const MemoryDesc& y, const dnnl::primitive_attr& attributes) {
  return dnnl::matmul::primitive_desc({a, b, bias, y}, attributes, DnnlEngine());
}

PrimitiveDesc DescribeInnerProduct(const MemoryDesc& x, const MemoryDesc& weights,
                                   const MemoryDesc& bias, const MemoryDesc& y,
                                   const dnnl::primitive_attr& attributes) {
  return dnnl::inner_product_forward::primitive_desc(
      {prop_kind::forward_inference, x, weights, bias, y}, attributes, DnnlEngine());
}

PrimitiveDesc DescribeEltwise(algorithm how, const MemoryDesc& data, float alpha, float beta,
                              const dnnl::primitive_attr& attributes) {
  return dnnl::eltwise_forward::primitive_desc(
      {prop_kind::forward_inference, how, data, alpha, beta}, attributes, DnnlEngine());
}

PrimitiveDesc DescribeBinary(algorithm how, const MemoryDesc& a, const MemoryDesc& b,
                             const MemoryDesc& y, const dnnl::primitive_attr& attributes) {
  return dnnl::binary::primitive_desc({how, a, b, y}, attributes, DnnlEngine());
}

PrimitiveDesc DescribeNearestResampling(const std::vector<float>& factors, const MemoryDesc& src,
                                        const MemoryDesc& dst,
                                        const dnnl::primitive_attr& attributes) {
  return dnnl::resampling_forward::primitive_desc(
      {prop_kind::forward_inference, algorithm::resampling_nearest, factors, src, dst}, attributes,
      DnnlEngine());
}

PrimitiveDesc DescribeConcat(int axis, const std::vector<MemoryDesc>& sources,
                             const MemoryDesc& target, const dnnl::primitive_attr& attributes) {
  return dnnl::concat::primitive_desc(target, axis, sources, DnnlEngine(), attributes);
}

void AppendEltwise(dnnl::post_ops& posts, algorithm how, float alpha, float beta) {
  posts.append_eltwise(1.0f, how, alpha, beta);
}

}  // namespace weft
