# `make run` and `make test` set up everything on a fresh Debian 12 machine.
MODEL ?= models/verge-lm.gguf
PROMPT ?= In the beginning
empty :=
space := $(empty) $(empty)

.PHONY: run test setup release check-format format asan tsan fuzz aarch64

run: release
	@build/release/verge run $(MODEL) -p "$(PROMPT)" -n 120 --seed 1 --echo
	@echo
	@scripts/two-nodes $(MODEL) "$(PROMPT)"
	@echo
	@echo "To use a model of your own: build/release/verge run YOUR.gguf -p 'A prompt'"

test: release
	ctest --preset release $(CTEST_FLAGS); status=$$?; scripts/skipped-tests build/release; exit $$status

setup:
	@scripts/setup

release: setup
	@cmake --preset ci > build.log 2>&1 || { cat build.log; exit 1; }
	@rm -f build.log
	cmake --build --preset ci

check-format: setup
	clang-format --dry-run --Werror $$(git ls-files '*.cpp' '*.hpp')

format: setup
	clang-format -i $$(git ls-files '*.cpp' '*.hpp')

asan tsan: setup
	cmake --preset $@
	cmake --build --preset $@
	ctest --preset $@ $(CTEST_FLAGS); status=$$?; scripts/skipped-tests build/$@; exit $$status

fuzz: setup
	cmake --preset asan
	cmake --build --preset asan --target fuzzers
	scripts/fuzz-smoke $(or $(SECONDS_EACH),10)

# Core and engine for 64-bit Arm, tested by emulation. PARTS="engine/kernels engine/quant" builds and tests these alone.
aarch64: setup
	scripts/aarch64-sysroot
	cmake --preset aarch64
	cmake --build --preset aarch64 $(if $(PARTS),--target $(addprefix test_,$(subst /,_,$(PARTS))))
	ctest --preset aarch64 $(if $(PARTS),-R "^($(subst $(space),|,$(strip $(PARTS))))$$") $(CTEST_FLAGS); \
	  status=$$?; scripts/skipped-tests build/aarch64; exit $$status
