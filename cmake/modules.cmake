# A module is one folder of src/: a static library with an include root of its own, so that
# `#include <verge/engine/graph/ir.hpp>` compiles only in targets that use that module.

add_library(verge_flags INTERFACE)
# GCC 12 gives false reports of these kinds for strings and vectors that it has inlined or that were moved (GCC bugs
# 105762, 105651). Clang sees every file, too.
target_compile_options(verge_flags INTERFACE -Wall -Wextra -Wno-psabi $<$<BOOL:${VERGE_WERROR}>:-Werror>)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  target_compile_options(verge_flags INTERFACE -Wno-stringop-overflow -Wno-stringop-overread -Wno-array-bounds -Wno-restrict)
endif()
if(VERGE_SANITIZE)
  target_compile_options(verge_flags INTERFACE -fsanitize=${VERGE_SANITIZE} -fno-omit-frame-pointer -g1)
  target_link_options(verge_flags INTERFACE -fsanitize=${VERGE_SANITIZE})
endif()

# Which group may name which. A module of one group may use its own group and those listed; a capability of a
# stage may use others of the same stage, never of another one.
set(VERGE_GROUP_core "")
set(VERGE_GROUP_engine core)
set(VERGE_GROUP_platform core)
set(VERGE_GROUP_stages core engine platform)
set(VERGE_GROUP_apps core engine platform stages)
set(VERGE_GROUP_cli core engine platform stages apps)

function(verge_check_use name used)
  string(REGEX REPLACE "/.*" "" group ${name})
  string(REGEX REPLACE "/.*" "" used_group ${used})
  string(REPLACE "/" "_" used_target "verge_${used}")
  if(NOT TARGET ${used_target})
    message(FATAL_ERROR "${name} uses ${used}, which is not below it")
  endif()
  if(group STREQUAL used_group AND NOT group STREQUAL "stages" AND NOT group STREQUAL "apps")
    return()
  endif()
  string(REGEX MATCH "^stages/[^/]+/" stage ${name})
  string(REGEX MATCH "^stages/[^/]+/" used_stage ${used})
  if(stage AND stage STREQUAL used_stage)
    return()
  endif()
  if(NOT used_group IN_LIST VERGE_GROUP_${group})
    message(FATAL_ERROR "${name} may not use ${used}: ${group} uses only ${VERGE_GROUP_${group}}")
  endif()
endfunction()

# Half of what a small file costs to compile are the headers that nearly all include. One precompiled header for
# all targets of a kind, whose flags are the same.
function(verge_precompile target kind)
  cmake_parse_arguments(arg "" "" "LINKS;HEADERS;OPTIONS" ${ARGN})
  set(headers verge_${kind}_headers)
  if(NOT TARGET ${headers})
    file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/${kind}_headers.cpp CONTENT "")
    add_library(${headers} OBJECT ${CMAKE_BINARY_DIR}/${kind}_headers.cpp)
    target_link_libraries(${headers} PRIVATE verge_flags fmt::fmt Threads::Threads ${arg_LINKS})
    target_compile_options(${headers} PRIVATE ${arg_OPTIONS})
    target_precompile_headers(${headers} PRIVATE <fmt/format.h> <algorithm> <functional> <memory> <span> <string>
      <vector> ${arg_HEADERS})
  endif()
  target_compile_options(${target} PRIVATE ${arg_OPTIONS})
  target_precompile_headers(${target} REUSE_FROM ${headers})
endfunction()

# verge_module(NAME [USES module...] [LINKS library...]): NAME is the folder below src/.
# Sources are the folder's own .cpp files and those of its subfolders that are no modules.
function(verge_module name)
  cmake_parse_arguments(arg "" "" "USES;LINKS" ${ARGN})
  string(REPLACE "/" "_" target "verge_${name}")
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS RELATIVE ${CMAKE_CURRENT_SOURCE_DIR} *.cpp)
  list(FILTER sources EXCLUDE REGEX "(^|/)main[.]cpp$")
  add_library(${target} STATIC ${sources})
  set(root ${CMAKE_BINARY_DIR}/include/${target})
  get_filename_component(parent verge/${name} DIRECTORY)
  file(MAKE_DIRECTORY ${root}/${parent})
  if(NOT EXISTS ${root}/verge/${name})
    file(CREATE_LINK ${CMAKE_CURRENT_SOURCE_DIR} ${root}/verge/${name} SYMBOLIC)
  endif()
  target_include_directories(${target} PUBLIC ${root})
  target_link_libraries(${target} PUBLIC verge_flags fmt::fmt Threads::Threads ${arg_LINKS})
  if(name STREQUAL "engine/kernels")  # its files have flags of their own
    set_target_properties(${target} PROPERTIES UNITY_BUILD OFF)
  else()
    verge_precompile(${target} module)
  endif()
  foreach(used IN LISTS arg_USES)
    verge_check_use(${name} ${used})
    string(REPLACE "/" "_" used_target "verge_${used}")
    target_link_libraries(${target} PUBLIC ${used_target})
  endforeach()
  set_property(GLOBAL APPEND PROPERTY VERGE_MODULES ${name})
endfunction()

# verge_table(NAME FOLDER folder TYPE type HEADER header NAMESPACE ns): each FOLDER/x.cpp defines `TYPE x()` in
# ns::FOLDER; this makes the sorted table ns::FOLDER::table() of them all. No static registration.
function(verge_table name)
  cmake_parse_arguments(arg "" "FOLDER;TYPE;HEADER;NAMESPACE" "" ${ARGN})
  string(REPLACE "/" "_" target "verge_${name}")
  file(GLOB files CONFIGURE_DEPENDS RELATIVE ${CMAKE_CURRENT_SOURCE_DIR}/${arg_FOLDER} ${arg_FOLDER}/*.cpp)
  list(SORT files)
  set(text "#include <${arg_HEADER}>\n\nnamespace ${arg_NAMESPACE}::${arg_FOLDER} {\n")
  foreach(file IN LISTS files)
    get_filename_component(stem ${file} NAME_WE)
    string(APPEND text "${arg_TYPE} ${stem}();\n")
    list(APPEND calls "${stem}()")
  endforeach()
  list(JOIN calls ", " calls)
  string(APPEND text "std::span<const ${arg_TYPE}> table() {\n  static const ${arg_TYPE} entries[] = {${calls}};\n"
    "  return entries;\n}\n}  // namespace ${arg_NAMESPACE}::${arg_FOLDER}\n")
  list(TRANSFORM files PREPEND ${arg_FOLDER}/ OUTPUT_VARIABLE paths)
  set_source_files_properties(${paths} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)  # all use the same local names
  set(generated ${CMAKE_CURRENT_BINARY_DIR}/${arg_FOLDER}_table.cpp)
  file(CONFIGURE OUTPUT ${generated} CONTENT "${text}" @ONLY)
  target_sources(${target} PRIVATE ${generated})
endfunction()

# verge_test(FOLDER [USES module...]): one test program from tests/FOLDER/*_test.cpp, mirroring src/.
function(verge_test folder)
  cmake_parse_arguments(arg "" "" "USES;LINKS" ${ARGN})
  string(REPLACE "/" "_" target "test_${folder}")
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${folder}/*.cpp)
  add_executable(${target} ${sources})
  # What small files cost to build are their headers: eight compiled together cost a third of eight alone. Their local
  # names must differ.
  set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 8)
  verge_precompile(${target} test LINKS GTest::gtest_main HEADERS <gtest/gtest.h> OPTIONS -O1)  # what is tested is optimised
  target_include_directories(${target} PRIVATE ${CMAKE_CURRENT_SOURCE_DIR}/support)
  string(REPLACE "/" "_" own "verge_${folder}")
  if(TARGET ${own})
    target_link_libraries(${target} PRIVATE ${own})
  endif()
  foreach(used IN LISTS arg_USES)
    string(REPLACE "/" "_" used_target "verge_${used}")
    target_link_libraries(${target} PRIVATE ${used_target})
  endforeach()
  target_link_libraries(${target} PRIVATE verge_flags verge_test_paths GTest::gtest_main ${arg_LINKS})
  if(folder MATCHES "${VERGE_TESTED}")
    add_test(NAME ${folder} COMMAND ${target})
  else()
    set_target_properties(${target} PROPERTIES EXCLUDE_FROM_ALL ON)
  endif()
endfunction()
