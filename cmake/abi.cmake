# The binary interfaces by themselves, for tests/abi/abi.sh: what defines the functions of the public headers, with all that a
# debugger knows of their types and nothing behind them, which is undefined here.
find_package(JPEG REQUIRED)
function(convoy_abi_library name)
  list(TRANSFORM ARGN PREPEND ${PROJECT_SOURCE_DIR}/)
  add_library(${name} SHARED EXCLUDE_FROM_ALL ${ARGN})
  target_link_libraries(${name} PRIVATE convoy_flags OpenMP::OpenMP_CXX PkgConfig::LIBAV JPEG::JPEG)
  target_include_directories(${name} SYSTEM PRIVATE ${STB_INCLUDE_DIR})
  set_target_properties(${name} PROPERTIES CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON)
  target_compile_options(${name} PRIVATE -O0 -g -U_FORTIFY_SOURCE -w)
  target_link_options(${name} PRIVATE -Wl,--version-script=${PROJECT_SOURCE_DIR}/cmake/exports.map)
endfunction()

convoy_abi_library(convoy_abi
  darknet_loader/load.cpp darknet_loader/names_reader.cpp darknet_loader/network.cpp darknet_loader/network_writer.cpp
  darknet_loader/randomize.cpp darknet_loader/weights_reader.cpp
  engine/bind.cpp engine/engine.cpp engine/stage_stats.cpp)
convoy_abi_library(convoy_media_abi
  tools/media/in/expand_inputs.cpp tools/media/in/open_input.cpp tools/media/in/run_inputs.cpp tools/media/in/source.cpp
  tools/media/files.cpp tools/media/draw/contact_sheet.cpp tools/media/draw/draw.cpp tools/media/draw/pixelate.cpp
  tools/media/out/video_writer.cpp tools/media/pictures/image.cpp tools/media/pictures/image_converter.cpp
  tools/media/pictures/nv12_image.cpp tools/media/pictures/picture_format.cpp tools/media/pictures/scale.cpp)
convoy_abi_library(convoy_c_abi
  tools/c_api/engine.cpp tools/c_api/guard.cpp tools/c_api/options.cpp tools/c_api/results.cpp tools/c_api/run.cpp)
