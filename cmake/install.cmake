# `find_package(convoy)` gives convoy::convoy, with COMPONENTS media, c or static more (convoyConfig.cmake.in). Their
# headers are those of include/convoy/, included as <convoy/engine.h> inside this repository and outside it.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)
set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/convoy)
set(include_dir ${PROJECT_SOURCE_DIR}/include)

# install_library(TARGET EXPORT-SET EXPORT-NAME header...)
function(install_library target export name)
  if(NOT TARGET ${target})
    return()
  endif()
  target_sources(${target} PUBLIC FILE_SET HEADERS BASE_DIRS ${include_dir} ${PROJECT_BINARY_DIR}/include FILES ${ARGN})
  set_target_properties(${target} PROPERTIES EXPORT_NAME ${name} INSTALL_RPATH "$ORIGIN")
  install(TARGETS ${target} EXPORT ${export}
    LIBRARY COMPONENT runtime NAMELINK_COMPONENT dev ARCHIVE COMPONENT dev FILE_SET HEADERS COMPONENT dev)
  install(EXPORT ${export} NAMESPACE convoy:: DESTINATION ${package_dir} COMPONENT dev)
endfunction()

# install_pkgconfig(NAME DESCRIPTION REQUIRES PRIVATE-LIBS): NAME.pc for libNAME, which finds itself wherever it is put.
function(install_pkgconfig name description requires libs)
  file(RELATIVE_PATH to_prefix /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
  string(REPLACE _ - file ${name})
  configure_file(${PROJECT_SOURCE_DIR}/cmake/library.pc.in ${PROJECT_BINARY_DIR}/${file}.pc @ONLY)
  install(FILES ${PROJECT_BINARY_DIR}/${file}.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT dev)
endfunction()

install(TARGETS convoy_flags EXPORT convoyTargets)
set_target_properties(convoy_flags PROPERTIES EXPORT_NAME flags)
file(GLOB headers CONFIGURE_DEPENDS ${include_dir}/convoy/*.h)
list(APPEND headers ${include_dir}/convoy/convoy.hpp ${PROJECT_BINARY_DIR}/include/convoy/version.h)
install(EXPORT convoyTargets NAMESPACE convoy:: DESTINATION ${package_dir} COMPONENT dev)
install_library(convoy_shared convoySharedTargets convoy ${headers})
install_library(convoy convoyStaticTargets convoy_static ${headers})
set(libs "-ldnnl -fopenmp -lpthread -ldl")
if(CONVOY_CUDA)
  string(APPEND libs " \${libdir}/cmake/convoy/libcudart_static.a -lrt")
endif()
install_pkgconfig(convoy "${PROJECT_DESCRIPTION}" "" "${libs}")

if(CONVOY_TOOLS)
  file(GLOB headers CONFIGURE_DEPENDS ${include_dir}/convoy/media/*.h)
  list(APPEND headers ${include_dir}/convoy/media.hpp)
  install_library(convoy_media_shared convoyMediaSharedTargets media ${headers})
  install_library(convoy_media convoyMediaStaticTargets media_static ${headers})
  install_pkgconfig(convoy_media "Convoy's videos, pictures and cameras" "convoy = ${PROJECT_VERSION}"
    "-lavformat -lavcodec -lswscale -lavutil -ljpeg")
  if(CONVOY_SHARED)
    install_library(convoy_c_shared convoyCTargets c ${headers})
    install_pkgconfig(convoy_c "Convoy for C: finds objects in pictures and video" "" "")
  endif()
  install(TARGETS yolo-run yolo-inspect yolo-eval yolo-fleet COMPONENT tools)
  # Pages and completions that the programs make of their own options.
  foreach(command yolo-run yolo-inspect yolo-eval yolo-fleet)
    set(page ${PROJECT_BINARY_DIR}/pages/${command})
    add_custom_command(OUTPUT ${page}.1 ${page}.bash DEPENDS ${command}
      COMMAND ${CMAKE_COMMAND} -E make_directory ${PROJECT_BINARY_DIR}/pages
      COMMAND ${command} --print-man > ${page}.1
      COMMAND ${command} --print-completion > ${page}.bash VERBATIM)
    list(APPEND pages ${page}.1 ${page}.bash)
    install(FILES ${page}.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 COMPONENT tools)
    install(FILES ${page}.bash DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME ${command} COMPONENT tools)
  endforeach()
  install(DIRECTORY docs/examples/fleet/ DESTINATION ${CMAKE_INSTALL_DATADIR}/convoy/fleet COMPONENT tools)
  add_custom_target(pages ALL DEPENDS ${pages})
  install(DIRECTORY models/ DESTINATION ${CMAKE_INSTALL_DATADIR}/convoy/models COMPONENT tools FILES_MATCHING
          PATTERN "*.cfg" PATTERN "*.weights" PATTERN "*.names")
endif()

# A program that links the static library needs the CUDA runtime on its link line, and nothing else of CUDA's.
if(CONVOY_CUDA)
  install(FILES ${CUDA_cudart_static_LIBRARY} DESTINATION ${package_dir} COMPONENT dev)
endif()
configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/convoyConfig.cmake.in ${PROJECT_BINARY_DIR}/convoyConfig.cmake
                              INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/convoyConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/convoyConfig.cmake ${PROJECT_BINARY_DIR}/convoyConfigVersion.cmake
  DESTINATION ${package_dir} COMPONENT dev)
