#ifndef WEFT_TESTS_FRONTEND_TESTING_ONNX_RUN_H_
#define WEFT_TESTS_FRONTEND_TESTING_ONNX_RUN_H_

#include <gtest/gtest.h>

#include "frontend/session/session.h"
#include "testing_onnx.h"

namespace weft {

// The output of an imported model, by a session with one thread.
inline std::vector<float> InferOnnx(const OnnxMaker& m, const TensorMap& feeds,
                                    const std::string& output) {
  const auto model = m.Import();
  EXPECT_TRUE(model.ok()) << model.status();
  if (!model.ok()) return {};
  const auto session = Session::Create(*model, {.threads = 1});
  EXPECT_TRUE(session.ok()) << session.status();
  if (!session.ok()) return {};
  const auto outputs = (*session)->Run(feeds);
  EXPECT_TRUE(outputs.ok()) << outputs.status();
  if (!outputs.ok()) return {};
  const auto values = outputs->at(output).values<float>();
  return {values.begin(), values.end()};
}

}  // namespace weft

#endif  // WEFT_TESTS_FRONTEND_TESTING_ONNX_RUN_H_
