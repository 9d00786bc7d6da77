#ifndef WEFT_FRONTEND_WEFT_H_
#define WEFT_FRONTEND_WEFT_H_

// Everything that a program which builds, trains, optimizes, saves or serves models needs.

#include "autodiff/gradients.h"
#include "frontend/analysis/receptive_field.h"
#include "frontend/analysis/summary.h"
#include "frontend/build/builder.h"
#include "frontend/data/digits.h"
#include "frontend/data/loader.h"
#include "frontend/data/memory.h"
#include "frontend/data/mnist.h"
#include "frontend/data/open.h"
#include "frontend/io/draw.h"
#include "frontend/io/image.h"
#include "frontend/io/npy.h"
#include "frontend/onnx/conform/conform.h"
#include "frontend/onnx/export/export.h"
#include "frontend/onnx/import/import.h"
#include "frontend/session/evaluation.h"
#include "frontend/session/session.h"
#include "frontend/train/optimizer.h"
#include "frontend/train/train.h"
#include "frontend/train/train_loop.h"
#include "frontend/weights/weights.h"
#include "frontend/zoo/zoo.h"
#include "graph/bind.h"
#include "graph/file/serialize.h"
#include "graph/model.h"
#include "graph/text.h"
#include "ops/ops.h"
#include "passes/passes.h"
#include "runtime/exec/evaluator.h"
#include "runtime/exec/executable.h"

#endif  // WEFT_FRONTEND_WEFT_H_
