#ifndef WEFT_TESTS_FRONTEND_TESTING_ONNX_RUN_H_
#define WEFT_TESTS_FRONTEND_TESTING_ONNX_RUN_H_

#include <gtest/gtest.h>

#include "frontend/session/session.h"
#include "testing_onnx.h"

namespace weft {

// An output of an imported model, by a session with one thread; empty after a failure.
inline Tensor OutputOfOnnx(const OnnxMaker& m, const TensorMap& feeds, const std::string& output,
                           const OnnxImportOptions& options = {}) {
  const auto model = m.Import(options);
  EXPECT_TRUE(model.ok()) << model.status();
  if (!model.ok()) return {};
  const auto session = Session::Create(*model, {.threads = 1});
  EXPECT_TRUE(session.ok()) << session.status();
  if (!session.ok()) return {};
  const auto outputs = (*session)->Run(feeds);
  EXPECT_TRUE(outputs.ok()) << outputs.status();
  return outputs.ok() ? outputs->at(output) : Tensor();
}

// The elements of the first output, whatever their type; they are of the type that the model
// declares.
inline std::vector<double> RunOnnx(const OnnxMaker& m, const TensorMap& feeds,
                                   const OnnxImportOptions& options = {.keep_half_types = true}) {
  const onnx::ValueInfoProto& output = m.proto.graph().output(0);
  const Tensor y = OutputOfOnnx(m, feeds, output.name(), options);
  if (y.is_empty()) return {};
  if (options.keep_half_types) {
    EXPECT_EQ(OnnxTypeOf(y.dtype()), output.type().tensor_type().elem_type());
  }
  std::vector<double> values;
  for (int64_t i = 0; i < y.size(); ++i) values.push_back(y.At(i));
  return values;
}

inline std::vector<float> InferOnnx(const OnnxMaker& m, const TensorMap& feeds,
                                    const std::string& output) {
  const Tensor y = OutputOfOnnx(m, feeds, output);
  if (y.is_empty()) return {};
  const auto values = y.values<float>();
  return {values.begin(), values.end()};
}

}  // namespace weft

#endif  // WEFT_TESTS_FRONTEND_TESTING_ONNX_RUN_H_
