# Language level, output folders, warnings and sanitizers for everything of ours; what users of the headers need is
# the INTERFACE target convoy_flags, and no more than that reaches a program that embeds the library.
if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "Release, Debug, RelWithDebInfo or MinSizeRel" FORCE)
endif()
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
# The shared libraries export what is marked with CONVOY_API, and nothing else.
set(CMAKE_CXX_VISIBILITY_PRESET hidden)
set(CMAKE_CUDA_VISIBILITY_PRESET hidden)
set(CMAKE_VISIBILITY_INLINES_HIDDEN ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)

# Installed programs look beside themselves first, and what they load does so too: hence the old DT_RPATH.
set(CMAKE_INSTALL_RPATH "$ORIGIN/../lib")
add_link_options(-Wl,--disable-new-dtags)

# Looked for once: one that came later, with the packages of the tests, would have everything compiled again.
if(NOT DEFINED CONVOY_CCACHE)
  find_program(CONVOY_CCACHE ccache)
endif()
if(CONVOY_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CONVOY_CCACHE})
endif()

add_compile_options($<$<COMPILE_LANGUAGE:CXX>:-Wall> $<$<COMPILE_LANGUAGE:CXX>:-Wextra> $<$<COMPILE_LANGUAGE:CXX>:-Wshadow>)
if(CONVOY_WERROR)
  add_compile_options($<$<COMPILE_LANGUAGE:CXX>:-Werror> $<$<COMPILE_LANGUAGE:CUDA>:-Werror=all-warnings>)
endif()
# What hardens a program that reads files of strangers; tests/hardening.sh looks for it.
if(NOT CONVOY_SANITIZE)
  add_compile_options($<$<COMPILE_LANGUAGE:CXX>:-fstack-protector-strong>
    $<$<AND:$<COMPILE_LANGUAGE:CXX>,$<NOT:$<CONFIG:Debug>>>:-D_FORTIFY_SOURCE=2>)
  add_link_options(-Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack)
endif()
if(CONVOY_SANITIZE)
  add_compile_options(-fsanitize=${CONVOY_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")  # which sees std::optional through the checks
    add_compile_options($<$<COMPILE_LANGUAGE:CXX>:-Wno-maybe-uninitialized>)
  endif()
  # A null pointer ends a program anyhow, and what else is checked at every access takes g++ a third of its time: that is
  # left to the fuzzers, which clang builds.
  if(CONVOY_SANITIZE MATCHES "undefined")
    add_compile_options(-fno-sanitize=null,vptr)
    if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
      add_compile_options(-fno-sanitize=alignment,object-size,pointer-overflow)
    endif()
  endif()
  add_link_options(-fsanitize=${CONVOY_SANITIZE})
endif()

add_library(convoy_flags INTERFACE)
target_compile_features(convoy_flags INTERFACE cxx_std_20)
target_include_directories(convoy_flags INTERFACE
  $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> $<BUILD_INTERFACE:${PROJECT_BINARY_DIR}/include>)
configure_file(${PROJECT_SOURCE_DIR}/include/convoy/version.h.in ${PROJECT_BINARY_DIR}/include/convoy/version.h @ONLY)
# Our own files name each other from the root of the repository; programs that embed the library see <convoy/...> only.
include_directories(${PROJECT_SOURCE_DIR})
