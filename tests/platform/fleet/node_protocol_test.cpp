#include <functional>
#include <limits>

#include <gtest/gtest.h>

#include <verge/platform/fleet/fleet.pb.h>
#include <verge/platform/fleet/node_protocol.hpp>

namespace verge::fleet {
namespace {

Hello greeting(std::string node, uint32_t oldest, uint32_t newest) {
  return {.oldest_protocol = oldest,
          .newest_protocol = newest,
          .capability = {.node = std::move(node),
                         .software = "0.1.0",
                         .role = Role::Cloud,
                         .cores = 4,
                         .isa = "avx2",
                         .memory_bytes = int64_t{16} << 30,
                         .read_gb_s = 41.5,
                         .f32_gflops = 200,
                         .bf16_gflops = 0,
                         .int8_gops = 872}};
}

TEST(NodeProtocol, AGreetingArrivesAsItWas) {
  Hello sent = greeting("edge-1", 1, 3);
  sent.paused = true;
  const auto got = hello_from(to_message(sent));
  ASSERT_TRUE(got) << got.error().message;
  EXPECT_EQ(got->newest_protocol, 3u);
  EXPECT_TRUE(got->paused);
  EXPECT_EQ(got->capability.node, "edge-1");
  EXPECT_EQ(got->capability.role, Role::Cloud);
  EXPECT_EQ(got->capability.memory_bytes, int64_t{16} << 30);
  EXPECT_EQ(got->capability.read_gb_s, 41.5);
  EXPECT_EQ(got->capability.int8_gops, 872);
}

TEST(NodeProtocol, AGreetingThatNoNodeSendsIsRefused) {
  const std::function<void(wire::Hello&)> changes[] = {
      [](wire::Hello& hello) { hello.clear_capability(); },
      [](wire::Hello& hello) { hello.set_oldest_protocol(0); },
      [](wire::Hello& hello) { hello.set_oldest_protocol(9); },
      [](wire::Hello& hello) { hello.mutable_capability()->set_node(std::string(65, 'n')); },
      [](wire::Hello& hello) { hello.mutable_capability()->set_role("king"); },
      [](wire::Hello& hello) { hello.mutable_capability()->set_cores(1u << 20); },
      [](wire::Hello& hello) { hello.mutable_capability()->set_memory_bytes(~uint64_t{0}); },
      [](wire::Hello& hello) {
        hello.mutable_capability()->set_read_gb_s(std::numeric_limits<double>::quiet_NaN());
      },
      [](wire::Hello& hello) { hello.mutable_capability()->set_f32_gflops(-1); },
  };
  for (const auto& change : changes) {
    Message message = to_message(greeting("edge-1", 1, 3));
    wire::Hello hello;
    ASSERT_TRUE(hello.ParseFromString(message.body));
    change(hello);
    message.body = hello.SerializeAsString();
    EXPECT_EQ(hello_from(message).error().code, Code::Malformed) << hello.ShortDebugString();
  }
  EXPECT_EQ(hello_from({.kind = kHello, .body = "\xff\xff"}).error().code, Code::Malformed);
  EXPECT_EQ(hello_from(to_message(Probe{})).error().code, Code::Malformed);
}

TEST(NodeProtocol, ARefusalIsToldByItsReason) {
  const auto got = hello_from(refusal("edge-1 is not of this fleet"));
  EXPECT_EQ(got.error().code, Code::Denied);
  EXPECT_EQ(got.error().message, "edge-1 is not of this fleet");
}

TEST(NodeProtocol, TheNewestProtocolOfBothIsAgreedOn) {
  struct Case {
    uint32_t own_oldest, own_newest, peer_oldest, peer_newest, agreed;
  };
  for (const Case& c : {Case{1, 1, 1, 1, 1}, Case{1, 4, 2, 3, 3}, Case{2, 3, 1, 5, 3},
                        Case{1, 2, 3, 4, 0}, Case{5, 6, 1, 4, 0}}) {
    const auto agreed = agree(greeting("here", c.own_oldest, c.own_newest),
                              greeting("there", c.peer_oldest, c.peer_newest));
    EXPECT_EQ(agreed ? *agreed : 0, c.agreed) << c.own_newest << " " << c.peer_newest;
    if (agreed) continue;
    EXPECT_EQ(agreed.error().code, Code::Unsupported);
    EXPECT_TRUE(agreed.error().message.ends_with(
        c.own_newest < c.peer_newest ? "update verge on here" : "update verge on there"))
        << agreed.error().message;
  }
}

TEST(NodeProtocol, AProbeOfTooMuchIsRefused) {
  EXPECT_TRUE(
      probe_from(to_message(Probe{.id = 7, .load = "ab", .answer_bytes = kMostProbeBytes})));
  EXPECT_FALSE(probe_from(to_message(Probe{.answer_bytes = kMostProbeBytes + 1})));
  const std::string load(kMostProbeBytes + 1, 'x');
  EXPECT_FALSE(probe_from(to_message(Probe{.load = load})));
  EXPECT_FALSE(probe_answer_from(to_message(ProbeAnswer{.load = load})));
}

}  // namespace
}  // namespace verge::fleet
