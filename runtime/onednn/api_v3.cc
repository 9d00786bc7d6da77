#include <mutex>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "runtime/onednn/api.h"

// oneDNN 3: a primitive descriptor is made of memory descriptors, which are opaque.

namespace weft {
namespace {

using dnnl::algorithm;
using dnnl::prop_kind;

// All that the library says of a descriptor. Two that differ elsewhere (packed weights) have the
// same description.
std::string FactsOf(const MemoryDesc& desc) {
  const auto list = [](const dnnl::memory::dims& dims) { return absl::StrJoin(dims, ","); };
  std::string text =
      absl::StrCat(static_cast<int>(desc.get_data_type()), " ", list(desc.get_dims()), " ",
                   list(desc.get_padded_dims()), " ", list(desc.get_padded_offsets()), " ",
                   desc.get_submemory_offset(), " ", static_cast<int>(desc.get_format_kind()));
  if (desc.get_format_kind() == dnnl::memory::format_kind::blocked) {
    absl::StrAppend(&text, " ", list(desc.get_strides()), " ", list(desc.get_inner_blks()), " ",
                    list(desc.get_inner_idxs()));
  }
  return text;
}

// The descriptors that have been named, since nothing but the library's own object holds all of
// one. They stay until the process ends: as many as there are different formats.
class Registry {
 public:
  static Registry& Get() {
    static Registry& registry = *new Registry;
    return registry;
  }

  std::string NameOf(const MemoryDesc& desc) {
    const std::string description = FactsOf(desc);
    std::lock_guard lock(mutex_);
    std::vector<MemoryDesc>& known = descs_[description];
    size_t i = 0;
    while (i < known.size() && known[i] != desc) ++i;
    if (i == known.size()) known.push_back(desc);
    return absl::StrCat(description, "#", i);
  }

  MemoryDesc Find(std::string_view name) {
    const size_t mark = name.rfind('#');
    size_t i = 0;
    // Names are NameOf's.
    (void)absl::SimpleAtoi(std::string(name.substr(mark + 1)), &i);
    std::lock_guard lock(mutex_);
    return descs_.at(std::string(name.substr(0, mark))).at(i);
  }

 private:
  std::mutex mutex_;
  absl::flat_hash_map<std::string, std::vector<MemoryDesc>> descs_;
};

dnnl::convolution_forward::primitive_desc ConvForward(prop_kind kind, algorithm how,
                                                      const ConvDescs& c,
                                                      const dnnl::primitive_attr& attributes) {
  return {DnnlEngine(), kind,      how,         c.src,        c.weights,  c.bias,
          c.dst,        c.strides, c.dilations, c.pads_begin, c.pads_end, attributes};
}

// The forward convolution that gradients are described by.
dnnl::convolution_forward::primitive_desc ConvHint(ConvDescs conv) {
  conv.bias = MemoryDesc();
  return ConvForward(prop_kind::forward_training, algorithm::convolution_direct, conv, {});
}

// next_impl() changes the object that copies of `desc` share: each visit gets one of its own.
void Visit(dnnl::primitive_desc desc, VisitPrimitive visit) {
  bool goes_on = true;
  do {
    dnnl_primitive_desc_t copy = nullptr;
    dnnl::error::wrap_c_api(dnnl_primitive_desc_clone(&copy, desc.get()),
                            "could not clone a primitive descriptor");
    PrimitiveDesc own;
    own.reset(copy);
    goes_on = visit(own);
  } while (goes_on && desc.next_impl());
}

dnnl::pooling_forward::primitive_desc PoolForward(prop_kind kind, algorithm how, const PoolDescs& p,
                                                  const dnnl::primitive_attr& attributes) {
  return {DnnlEngine(), kind,        how,          p.src,      p.dst,     p.strides,
          p.kernel,     p.dilations, p.pads_begin, p.pads_end, attributes};
}

dnnl::batch_normalization_forward::primitive_desc BatchNormForward(
    prop_kind kind, const MemoryDesc& data, float epsilon, dnnl::normalization_flags flags,
    const dnnl::primitive_attr& attributes) {
  return {DnnlEngine(), kind, data, data, epsilon, flags, attributes};
}

dnnl::softmax_forward::primitive_desc SoftmaxForward(prop_kind kind, const MemoryDesc& data,
                                                     int axis,
                                                     const dnnl::primitive_attr& attributes) {
  return {DnnlEngine(), kind, algorithm::softmax_accurate, data, data, axis, attributes};
}

}  // namespace

dnnl::memory::dims DimsOf(const MemoryDesc& desc) { return desc.get_dims(); }

Format FormatOf(const MemoryDesc& desc) {
  switch (desc.get_format_kind()) {
    case dnnl::memory::format_kind::any:
      return {.kind = Format::Kind::kAny};
    case dnnl::memory::format_kind::blocked:
      return {.strides = desc.get_strides(),
              .blocks = desc.get_inner_blks(),
              .block_axes = desc.get_inner_idxs()};
    default:
      return {.kind = Format::Kind::kPacked};
  }
}

std::string ToNative(const MemoryDesc& desc) { return Registry::Get().NameOf(desc); }

MemoryDesc FromNative(std::string_view native) { return Registry::Get().Find(native); }

dnnl_primitive_kind_t PrimitiveKindOf(const PrimitiveDesc& desc) {
  dnnl_primitive_kind_t kind = dnnl_undefined_primitive;
  dnnl_primitive_desc_query(desc.get(), dnnl_query_primitive_kind, 0, &kind);
  return kind;
}

void ForEachConv(algorithm how, const ConvDescs& conv, const dnnl::primitive_attr& attributes,
                 VisitPrimitive visit) {
  Visit(ConvForward(prop_kind::forward_inference, how, conv, attributes), visit);
}

void ForEachConvGradInput(const ConvDescs& c, const dnnl::primitive_attr& attributes,
                          VisitPrimitive visit) {
  Visit(dnnl::convolution_backward_data::primitive_desc(
            DnnlEngine(), algorithm::convolution_direct, c.src, c.weights, c.dst, c.strides,
            c.dilations, c.pads_begin, c.pads_end, ConvHint(c), attributes),
        visit);
}

void ForEachConvGradWeight(const ConvDescs& c, const dnnl::primitive_attr& attributes,
                           VisitPrimitive visit) {
  Visit(dnnl::convolution_backward_weights::primitive_desc(
            DnnlEngine(), algorithm::convolution_direct, c.src, c.weights, c.bias, c.dst, c.strides,
            c.dilations, c.pads_begin, c.pads_end, ConvHint(c), attributes),
        visit);
}

PrimitiveDesc DescribePool(prop_kind kind, algorithm how, const PoolDescs& pool,
                           const dnnl::primitive_attr& attributes) {
  return PoolForward(kind, how, pool, attributes);
}

PrimitiveDesc DescribePoolGrad(algorithm how, const PoolDescs& p,
                               const dnnl::primitive_attr& attributes) {
  return dnnl::pooling_backward::primitive_desc(
      DnnlEngine(), how, p.src, p.dst, p.strides, p.kernel, p.dilations, p.pads_begin, p.pads_end,
      PoolForward(prop_kind::forward_training, how, p, attributes), attributes);
}

PrimitiveDesc DescribeBatchNorm(prop_kind kind, const MemoryDesc& data, float epsilon,
                                dnnl::normalization_flags flags,
                                const dnnl::primitive_attr& attributes) {
  return BatchNormForward(kind, data, epsilon, flags, attributes);
}

const bool kBatchNormGradTakesShift = false;

PrimitiveDesc DescribeBatchNormGrad(const MemoryDesc& data, float epsilon,
                                    dnnl::normalization_flags flags,
                                    const dnnl::primitive_attr& attributes) {
  return dnnl::batch_normalization_backward::primitive_desc(
      DnnlEngine(), prop_kind::backward, data, data, data, epsilon, flags,
      BatchNormForward(prop_kind::forward_training, data, epsilon, flags, attributes), attributes);
}

PrimitiveDesc DescribeSoftmax(const MemoryDesc& data, int axis,
                              const dnnl::primitive_attr& attributes) {
  return SoftmaxForward(prop_kind::forward_inference, data, axis, attributes);
}

PrimitiveDesc DescribeSoftmaxGrad(const MemoryDesc& data, int axis,
                                  const dnnl::primitive_attr& attributes) {
  return dnnl::softmax_backward::primitive_desc(
      DnnlEngine(), algorithm::softmax_accurate, data, data, data, axis,
      SoftmaxForward(prop_kind::forward_training, data, axis, attributes), attributes);
}

PrimitiveDesc DescribeMatmul(const MemoryDesc& a, const MemoryDesc& b, const MemoryDesc& bias,
                             const MemoryDesc& y, const dnnl::primitive_attr& attributes) {
  return dnnl::matmul::primitive_desc(DnnlEngine(), a, b, bias, y, attributes);
}

PrimitiveDesc DescribeInnerProduct(const MemoryDesc& x, const MemoryDesc& weights,
                                   const MemoryDesc& bias, const MemoryDesc& y,
                                   const dnnl::primitive_attr& attributes) {
  return dnnl::inner_product_forward::primitive_desc(DnnlEngine(), prop_kind::forward_inference, x,
                                                     weights, bias, y, attributes);
}

PrimitiveDesc DescribeEltwise(algorithm how, const MemoryDesc& data, float alpha, float beta,
                              const dnnl::primitive_attr& attributes) {
  return dnnl::eltwise_forward::primitive_desc(DnnlEngine(), prop_kind::forward_inference, how,
                                               data, data, alpha, beta, attributes);
}

PrimitiveDesc DescribeBinary(algorithm how, const MemoryDesc& a, const MemoryDesc& b,
                             const MemoryDesc& y, const dnnl::primitive_attr& attributes) {
  return dnnl::binary::primitive_desc(DnnlEngine(), how, a, b, y, attributes);
}

PrimitiveDesc DescribeNearestResampling(const std::vector<float>& factors, const MemoryDesc& src,
                                        const MemoryDesc& dst,
                                        const dnnl::primitive_attr& attributes) {
  return dnnl::resampling_forward::primitive_desc(DnnlEngine(), prop_kind::forward_inference,
                                                  algorithm::resampling_nearest, factors, src, dst,
                                                  attributes);
}

PrimitiveDesc DescribeConcat(int axis, const std::vector<MemoryDesc>& sources,
                             const MemoryDesc& target, const dnnl::primitive_attr& attributes) {
  return dnnl::concat::primitive_desc(DnnlEngine(), target, axis, sources, attributes);
}

void AppendEltwise(dnnl::post_ops& posts, algorithm how, float alpha, float beta) {
  posts.append_eltwise(how, alpha, beta);
}

}  // namespace weft
