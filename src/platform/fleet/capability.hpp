#pragma once
// Capability: what a node can do, as it says itself. Rates are measured by whoever has kernels
// (engine/kernels/machine_rates.hpp); this side of the house only carries them.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace verge::fleet {

enum class Role { Device, Edge, Cloud };

std::string_view name(Role role);
/// Nothing for another word than device, edge or cloud.
std::optional<Role> role_from_name(std::string_view name);

struct Capability {
  std::string node = {};      // its certificate's name
  std::string software = {};  // "0.1.0"
  Role role = Role::Edge;
  int cores = 0;
  std::string isa = {};      // "avx512_bf16"
  int64_t memory_bytes = 0;  // that can be allocated
  double read_gb_s = 0;      // of all cores together; 0: not measured
  double f32_gflops = 0;
  double bf16_gflops = 0;
  double int8_gops = 0;
};

}  // namespace verge::fleet
