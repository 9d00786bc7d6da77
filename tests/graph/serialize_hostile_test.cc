// Files that are framed and checksummed correctly and say something wrong.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <functional>
#include <random>

#include "graph/file/serialize.h"
#include "graph/file/serialize_internal.h"
#include "tests/graph/testing_ops.h"

namespace weft {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

// The sample's message and its tensors' bytes, to be changed and framed again.
struct Parts {
  Parts() {
    const std::string bytes = SerializeModel(SampleModel());
    proto::File file;
    EXPECT_TRUE(file.ParseFromString(bytes));
    message = file.model();
    for (const proto::Tensor& t : message.tensors()) {
      data.push_back(bytes.substr(t.offset(), t.length()));
    }
  }
  std::string Frame() const { return FrameFile(message, data).value(); }
  proto::Node& node(const std::string& name) {
    for (proto::Node& n : *message.mutable_graph()->mutable_nodes()) {
      if (n.name() == name) return n;
    }
    ADD_FAILURE() << "no node " << name;
    return *message.mutable_graph()->mutable_nodes(0);
  }
  proto::Attribute& attribute(const std::string& node_name, const std::string& name) {
    for (proto::Attribute& a : *node(node_name).mutable_attributes()) {
      if (a.name() == name) return a;
    }
    ADD_FAILURE() << "no attribute " << name;
    return *node(node_name).mutable_attributes(0);
  }

  proto::Model message;
  std::vector<std::string> data;
};

std::string ErrorOf(std::string_view bytes) {
  const absl::StatusOr<Model> model = ParseModel(bytes, TestOps(), "f");
  EXPECT_FALSE(model.ok());
  return std::string(model.status().message());
}

std::string ErrorAfter(const std::function<void(Parts&)>& change) {
  Parts parts;
  change(parts);
  return ErrorOf(parts.Frame());
}

// A file of any version, checksum and size as they were.
std::string WithVersion(char version) {
  std::string bytes = SerializeModel(SampleModel());
  bytes[6] = version;
  return bytes;
}

TEST(HostileFileTest, UnchangedPartsGiveTheSameFile) {
  EXPECT_EQ(Parts().Frame(), SerializeModel(SampleModel()));
}

TEST(HostileFileTest, ANewerVersionIsSaidBeforeAnythingElseIsJudged) {
  const std::string expected = "f: file has format version 9, this weft reads up to 1";
  EXPECT_EQ(ErrorOf(WithVersion(9)), expected);
  EXPECT_EQ(ErrorOf(WithVersion(9).substr(0, 100)), expected);
  EXPECT_EQ(ErrorOf(WithVersion(9) + "more"), expected);
  EXPECT_EQ(ErrorOf(WithVersion(0)), "f: damaged: format version 0");
}

TEST(HostileFileTest, ANewerTextSaysSoDespiteUnknownFields) {
  const auto message = [](std::string_view text) {
    return std::string(ModelFromProtoText(text, TestOps()).status().message());
  };
  EXPECT_EQ(message("format_version: 9 model { quantum: 1 }"),
            "model text: file has format version 9, this weft reads up to 1");
  EXPECT_THAT(message("format_version: 1 model { quantum: 1 }"),
              StartsWith("model text: line 1, column 34: "));
  EXPECT_THAT(message("model { }"), HasSubstr("expected format_version"));
  EXPECT_THAT(message("format_version: 1 model {\n graph {"), StartsWith("model text: line 2"));
  EXPECT_THAT(message("format_version: 1 model { } data: \"x\""), HasSubstr("binary form only"));
}

TEST(HostileFileTest, OtherFilesAreNotWeftFiles) {
  EXPECT_THAT(ErrorOf("\x89PNG"), StartsWith("f: not a weft file"));
  EXPECT_THAT(ErrorOf(std::string(1000, '\0')), StartsWith("f: not a weft file"));
}

TEST(HostileFileTest, TensorBytesMustMatchTheirShape) {
  EXPECT_EQ(ErrorAfter([](Parts& p) { p.message.mutable_tensors(0)->set_dims(0, 5); }),
            "f: tensor 0: expected 20 bytes for f32[5], the file has 16");
  EXPECT_EQ(ErrorAfter([](Parts& p) { p.data[0].resize(12); }),
            "f: tensor 0: expected 16 bytes for f32[4], the file has 12");
  EXPECT_THAT(ErrorAfter([](Parts& p) { p.message.mutable_tensors(2)->set_dims(0, 1); }),
              HasSubstr("tensor 2: expected 24 bytes for f64[1,3], the file has 0"));
}

TEST(HostileFileTest, ImpossibleTensorsAreRefused) {
  const auto with_dims = [](std::vector<int64_t> dims, int dtype = 1) {
    return ErrorAfter([&](Parts& p) {
      p.message.mutable_tensors(0)->mutable_dims()->Assign(dims.begin(), dims.end());
      p.message.mutable_tensors(0)->set_dtype(static_cast<proto::DType>(dtype));
    });
  };
  EXPECT_THAT(with_dims({int64_t{1} << 40}), HasSubstr("tensor 0"));
  EXPECT_THAT(with_dims({int64_t{1} << 40, int64_t{1} << 40}), HasSubstr("tensor 0"));
  EXPECT_THAT(with_dims({int64_t{1} << 62, 4}), HasSubstr("tensor 0"));  // 2^64 elements
  EXPECT_THAT(with_dims({0, int64_t{1} << 40}), HasSubstr("tensor 0"));
  EXPECT_THAT(with_dims({-4}), HasSubstr("tensor 0"));
  EXPECT_THAT(with_dims({-2, -2}), HasSubstr("tensor 0"));
  EXPECT_THAT(with_dims(std::vector<int64_t>(13, 1)), HasSubstr("axes"));
  EXPECT_EQ(with_dims({4}, 14), "f: tensor 0: unknown dtype 14");
  EXPECT_EQ(with_dims({4}, 0), "f: tensor 0: unknown dtype 0");
  EXPECT_EQ(with_dims({4}, -1), "f: tensor 0: unknown dtype -1");
}

TEST(HostileFileTest, ABoolIsZeroOrOne) {
  EXPECT_EQ(ErrorAfter([](Parts& p) { p.data[3][1] = 2; }),
            "f: tensor 3: element 1: expected a bool of 0 or 1, got 2");
}

TEST(HostileFileTest, HugeDimsInATypeAreRefused) {
  const auto error = ErrorAfter([](Parts& p) {
    proto::Type& type = *p.attribute("x", "type").mutable_type();
    type.mutable_dims(1)->set_size(int64_t{1} << 40);
    *p.node("x").mutable_outputs(0) = type;
  });
  EXPECT_THAT(error, StartsWith("f: x (Input): "));
  EXPECT_THAT(error, HasSubstr("1099511627776"));
}

TEST(HostileFileTest, ImpossibleDimsAreRefused) {
  const auto with_dim = [](int64_t size, const std::vector<std::string>& symbols) {
    return ErrorAfter([&](Parts& p) {
      proto::Dim& dim = *p.attribute("x", "type").mutable_type()->mutable_dims(0);
      dim.set_size(size);
      dim.mutable_symbols()->Assign(symbols.begin(), symbols.end());
    });
  };
  EXPECT_THAT(with_dim(-1, {}), HasSubstr("x (Input)"));
  EXPECT_THAT(with_dim(0, {"N"}), HasSubstr("dim of size 0"));
  EXPECT_THAT(with_dim(1, {""}), HasSubstr("symbol without a name"));
  EXPECT_THAT(with_dim(1, std::vector<std::string>(1000, "N")), HasSubstr("dim of 1000 symbols"));
}

TEST(HostileFileTest, TypesMustBeWhatInferenceSays) {
  EXPECT_EQ(
      ErrorAfter([](Parts& p) { p.node("Relu").mutable_outputs(0)->mutable_dims(1)->set_size(5); }),
      "f: Relu (Relu): the file says its type is f32[N,5], it should be f32[N,4]");
  EXPECT_THAT(
      ErrorAfter([](Parts& p) { p.node("Relu").mutable_outputs(0)->set_dtype(proto::F64); }),
      HasSubstr("f64[N,4], it should be f32[N,4]"));
  EXPECT_THAT(ErrorAfter([](Parts& p) { p.node("Relu").clear_outputs(); }),
              StartsWith("f: Relu (Relu): "));
  EXPECT_THAT(
      ErrorAfter([](Parts& p) { *p.node("Relu").add_outputs() = p.node("Relu").outputs(0); }),
      StartsWith("f: Relu (Relu): "));
}

TEST(HostileFileTest, UnknownOpsAreNamed) {
  EXPECT_EQ(ErrorAfter([](Parts& p) { p.node("Relu").set_op("Blur"); }),
            "f: Relu (Blur): unknown op 'Blur'");
  EXPECT_EQ(
      ErrorAfter([](Parts& p) {
        p.attribute("AllKinds", "post_ops").mutable_post_ops()->mutable_values(0)->set_op("Blur");
      }),
      "f: AllKinds (AllKinds): attribute 'post_ops': unknown op 'Blur'");
}

TEST(HostileFileTest, CyclesAndForwardReferencesAreRefused) {
  EXPECT_EQ(ErrorAfter([](Parts& p) { p.node("AllKinds").mutable_inputs(0)->set_node("Relu"); }),
            "f: AllKinds (AllKinds): reads Relu, which does not come before it (a cycle or a wrong "
            "order)");
  EXPECT_THAT(ErrorAfter([](Parts& p) { p.node("Relu").mutable_inputs(0)->set_node("Relu"); }),
              StartsWith("f: Relu (Relu): reads Relu, which does not come before it"));
  EXPECT_THAT(ErrorAfter([](Parts& p) { p.node("AllKinds").set_forward("Relu"); }),
              StartsWith("f: AllKinds (AllKinds): reads Relu, which does not come before it"));
  EXPECT_EQ(ErrorAfter([](Parts& p) { p.node("Relu").mutable_inputs(0)->set_node("nobody"); }),
            "f: Relu (Relu): reads nobody, which does not exist");
}

TEST(HostileFileTest, WrongReadingsAreRefused) {
  EXPECT_EQ(ErrorAfter([](Parts& p) { p.node("Relu").mutable_inputs(0)->set_output(1); }),
            "f: Relu (Relu): reads output 1 of AllKinds, which has 1");
  EXPECT_THAT(ErrorAfter([](Parts& p) { p.node("Relu").mutable_inputs(0)->set_output(~0u); }),
              HasSubstr("reads output"));
  EXPECT_THAT(ErrorAfter([](Parts& p) { p.node("Relu").mutable_inputs(0)->clear_node(); }),
              StartsWith("f: Relu (Relu): "));
  EXPECT_THAT(ErrorAfter([](Parts& p) { p.node("Norm").mutable_inputs(1)->set_output(1); }),
              HasSubstr("an input without a node"));
  EXPECT_THAT(ErrorAfter([](Parts& p) { p.node("Relu").clear_inputs(); }),
              StartsWith("f: Relu (Relu): "));
}

TEST(HostileFileTest, NamesAreUniqueAndNotEmpty) {
  EXPECT_EQ(ErrorAfter([](Parts& p) { p.node("Relu").set_name("w"); }),
            "f: w (Relu): two nodes have this name");
  EXPECT_EQ(ErrorAfter([](Parts& p) { p.node("Relu").set_name(""); }),
            "f: a node (Relu) has no name");
}

TEST(HostileFileTest, AttributesAreChecked) {
  EXPECT_THAT(ErrorAfter([](Parts& p) { p.attribute("Norm", "epsilon").set_i(1); }),
              HasSubstr("Norm (Norm): attribute epsilon: expected float, got int"));
  EXPECT_THAT(ErrorAfter([](Parts& p) { p.attribute("Norm", "epsilon").set_name("eps"); }),
              HasSubstr("unknown attribute 'eps'"));
  EXPECT_THAT(ErrorAfter([](Parts& p) { p.attribute("Norm", "epsilon").clear_value(); }),
              HasSubstr("attribute 'epsilon': no value"));
  EXPECT_THAT(ErrorAfter([](Parts& p) { p.attribute("AllKinds", "ints").set_name("int"); }),
              HasSubstr("two attributes 'int'"));
  EXPECT_THAT(ErrorAfter([](Parts& p) { p.attribute("w", "value").set_tensor(5); }),
              HasSubstr("w (Variable): attribute 'value': tensor 5 of 5 tensors"));
  EXPECT_THAT(ErrorAfter([](Parts& p) {
                p.attribute("AllKinds", "dtype").set_dtype(static_cast<proto::DType>(77));
              }),
              HasSubstr("attribute 'dtype': unknown dtype 77"));
  EXPECT_THAT(ErrorAfter([](Parts& p) { p.node("w").clear_attributes(); }),
              HasSubstr("w (Variable): attribute value is required"));
}

TEST(HostileFileTest, NestingIsBounded) {
  const auto nested = [](int depth) {
    return ErrorAfter([&](Parts& p) {
      proto::Attribute* a = &p.attribute("AllKinds", "post_ops");
      for (int i = 0; i < depth; ++i) {
        proto::PostOp& op = *a->mutable_post_ops()->add_values();
        op.set_op("Relu");
        a = op.add_attributes();
        a->set_name("again");
      }
    });
  };
  EXPECT_THAT(nested(6), HasSubstr("post-ops nested too deep"));
  EXPECT_EQ(nested(1000), "f: the model is not a valid protobuf message");
}

TEST(HostileFileTest, OutputsAndUpdatesAreChecked) {
  const auto update = [](const std::function<void(proto::Update&)>& change) {
    return ErrorAfter([&](Parts& p) { change(*p.message.mutable_graph()->mutable_updates(0)); });
  };
  EXPECT_THAT(update([](proto::Update& u) { u.set_variable("x"); }),
              HasSubstr("expected a variable"));
  EXPECT_THAT(update([](proto::Update& u) { u.set_variable("z"); }),
              HasSubstr("update of z: reads z, which does not exist"));
  EXPECT_THAT(update([](proto::Update& u) { u.mutable_value()->set_node("x"); }),
              HasSubstr("update of mean: "));
  EXPECT_THAT(update([](proto::Update& u) { u.clear_value(); }), HasSubstr("update of mean"));
  EXPECT_THAT(ErrorAfter([](Parts& p) {
                proto::Graph& g = *p.message.mutable_graph();
                *g.add_updates() = g.updates(0);
              }),
              HasSubstr("update of mean"));
  EXPECT_THAT(ErrorAfter([](Parts& p) {
                proto::Graph& g = *p.message.mutable_graph();
                *g.add_outputs() = g.outputs(0);
              }),
              HasSubstr("output y"));
}

TEST(HostileFileTest, StateIsChecked) {
  EXPECT_THAT(ErrorAfter([](Parts& p) { p.message.mutable_preprocessing()->add_mean(1); }),
              HasSubstr("expected 3 means and deviations, got 4 and 3"));
  EXPECT_THAT(ErrorAfter([](Parts& p) { p.message.mutable_preprocessing()->set_height(1 << 30); }),
              HasSubstr("size 1073741824x32"));
  EXPECT_THAT(
      ErrorAfter([](Parts& p) { p.message.mutable_preprocessing()->set_channel_order("cmyk"); }),
      HasSubstr("got 'cmyk'"));
  EXPECT_THAT(ErrorAfter([](Parts& p) { p.message.mutable_training()->set_epoch(-2); }),
              HasSubstr("training state: negative"));
  EXPECT_THAT(
      ErrorAfter([](Parts& p) { p.message.mutable_training()->mutable_slots(0)->set_tensor(9); }),
      HasSubstr("slot b/momentum: tensor 9 of 5 tensors"));
  EXPECT_THAT(ErrorAfter([](Parts& p) {
                p.message.mutable_training()->mutable_slots(0)->set_name("w/momentum");
              }),
              HasSubstr("two slots 'w/momentum'"));
  EXPECT_THAT(ErrorAfter([](Parts& p) { p.message.mutable_metadata(0)->set_key("name"); }),
              HasSubstr("metadata has two entries 'name'"));
}

TEST(HostileFileTest, FieldsThatNobodyKnowsAreRefused) {
  EXPECT_EQ(ErrorAfter([](Parts& p) {
              proto::Node& n = p.node("Relu");
              n.GetReflection()->MutableUnknownFields(&n)->AddVarint(99, 1);
            }),
            "f: the model has fields that this weft does not know");
}

TEST(HostileFileTest, InlineElementsAreForTextOnly) {
  EXPECT_THAT(ErrorAfter([](Parts& p) { p.message.mutable_tensors(0)->add_floats(1); }),
              HasSubstr("tensor 0: has inline elements"));
}

TEST(HostileFileTest, WrongElementsInTextAreRefused) {
  const auto with_tensor = [](const std::string& tensor) {
    const std::string text = "format_version: 1 model { tensors { " + tensor + " } }";
    return std::string(ModelFromProtoText(text, TestOps()).status().message());
  };
  EXPECT_EQ(with_tensor("dtype: F32 dims: [1] floats: [0.5]"), "");
  EXPECT_EQ(with_tensor("dtype: F32 dims: [2] floats: [0.5]"),
            "model text: tensor 0: expected 2 elements for f32[2], got 1");
  EXPECT_THAT(with_tensor("dtype: F32 dims: [1] ints: [1]"), HasSubstr("not for f32"));
  EXPECT_THAT(with_tensor("dtype: U8 dims: [1] ints: [256]"),
              HasSubstr("256 is out of range for u8"));
  EXPECT_THAT(with_tensor("dtype: BOOL dims: [1] ints: [2]"), HasSubstr("out of range for bool"));
  EXPECT_THAT(with_tensor("dtype: BOOL dims: [1] raw: '\\002'"), HasSubstr("0 or 1, got 2"));
  EXPECT_THAT(with_tensor("dtype: F32 dims: [2] raw: '1234'"), HasSubstr("expected 8 bytes"));
  EXPECT_THAT(with_tensor("dtype: F32 dims: [1099511627776]"), HasSubstr("tensor 0"));
  EXPECT_THAT(with_tensor("dtype: F32 dims: [0] length: 4"), HasSubstr("has offset, length"));
}

// Framing that the model does not ask for, under checksums that fit.
TEST(HostileFileTest, FramingIsExact) {
  const Parts parts;
  const std::string good = parts.Frame();
  std::vector<uint64_t> lengths;
  std::vector<uint32_t> crcs;
  for (const std::string& d : parts.data) {
    lengths.push_back(d.size());
    crcs.push_back(Crc32(BytesOf(d)));
  }
  const auto framed = [&](std::vector<uint64_t> l, std::vector<uint32_t> c) {
    const Frame frame = FrameModel(parts.message, l, c).value();
    std::string file = frame.head;
    for (size_t i = 0; i < parts.data.size(); ++i) file += frame.prefixes[i] + parts.data[i];
    // The size that the header says, whatever follows.
    file.resize(frame.file_size < 100000 ? frame.file_size : file.size());
    return file;
  };
  EXPECT_EQ(framed(lengths, crcs), good);
  auto longer = lengths;
  longer[0] = uint64_t{1} << 33;  // the second tensor beyond 4 GiB
  EXPECT_THAT(ErrorOf(framed(longer, crcs)), HasSubstr("(truncated)"));
  auto shorter = lengths;
  shorter[0] -= 1;
  EXPECT_THAT(ErrorOf(framed(shorter, crcs)), HasSubstr("damaged: tensor 0"));
  auto other = crcs;
  other[1] ^= 1;
  EXPECT_THAT(ErrorOf(framed(lengths, other)), HasSubstr("damaged: tensor 1: checksum"));
}

// Random changes of the model under a checksum that fits: an error or a sound model, never a crash.
TEST(HostileFileTest, RandomChangesUnderAValidChecksumAreSurvived) {
  const Parts parts;
  const std::string good = parts.Frame();
  const size_t model_size = parts.message.ByteSizeLong();
  const size_t begin = 27;  // tag at 24, a length of two bytes
  ASSERT_EQ(good.substr(begin, model_size), parts.message.SerializeAsString());
  std::mt19937 random(1);
  int accepted = 0;
  for (int round = 0; round < 20000; ++round) {
    std::string bytes = good;
    for (int changes = 1 + static_cast<int>(random() % 4); changes > 0; --changes) {
      bytes[begin + random() % model_size] = static_cast<char>(random());
    }
    const std::span<const std::byte> head = BytesOf(bytes).first(begin + model_size);
    const uint32_t crc = Crc32(head.subspan(24), Crc32(head.first(19)));
    std::memcpy(bytes.data() + 20, &crc, sizeof crc);
    const absl::StatusOr<Model> model = ParseModel(bytes, TestOps(), "f");
    if (!model.ok()) {
      ASSERT_THAT(std::string(model.status().message()), StartsWith("f: "));
      continue;
    }
    ++accepted;
    ASSERT_TRUE(model->graph.Verify().ok());
    const std::string again = SerializeModel(*model);
    ASSERT_NE(again, "");
    ASSERT_EQ(SerializeModel(ParseModel(again, TestOps()).value()), again);
  }
  EXPECT_GT(accepted, 100);  // names, texts and numbers may change freely
}

TEST(HostileFileTest, OffsetsBeyondFourGiBAreCounted) {
  proto::Model message;
  message.add_tensors();
  message.add_tensors();
  const uint64_t lengths[] = {(uint64_t{5} << 30) + 1, 64};
  const uint32_t crcs[] = {0, 0};
  const Frame frame = FrameModel(message, lengths, crcs).value();
  const uint64_t first = frame.head.size() + frame.prefixes[0].size();
  const uint64_t second = first + lengths[0] + frame.prefixes[1].size();
  EXPECT_EQ(first % 64, 0u);
  EXPECT_EQ(second % 64, 0u);
  EXPECT_EQ(frame.file_size, second + 64);
}

}  // namespace
}  // namespace weft
