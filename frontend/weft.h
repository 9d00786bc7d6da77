#ifndef WEFT_FRONTEND_WEFT_H_
#define WEFT_FRONTEND_WEFT_H_

// Everything that a program which builds, trains, optimizes, saves or serves models needs.

#include "autodiff/gradients.h"
#include "frontend/builder.h"
#include "frontend/data/digits.h"
#include "frontend/data/loader.h"
#include "frontend/data/memory.h"
#include "frontend/data/mnist.h"
#include "frontend/data/open.h"
#include "frontend/draw.h"
#include "frontend/evaluation.h"
#include "frontend/image.h"
#include "frontend/npy.h"
#include "frontend/onnx/conform.h"
#include "frontend/onnx/export.h"
#include "frontend/onnx/import.h"
#include "frontend/optimizer.h"
#include "frontend/receptive_field.h"
#include "frontend/session.h"
#include "frontend/summary.h"
#include "frontend/train.h"
#include "frontend/train_loop.h"
#include "frontend/weights/weights.h"
#include "frontend/zoo/zoo.h"
#include "graph/bind.h"
#include "graph/model.h"
#include "graph/serialize.h"
#include "graph/text.h"
#include "ops/ops.h"
#include "passes/passes.h"
#include "runtime/executable.h"

#endif  // WEFT_FRONTEND_WEFT_H_
