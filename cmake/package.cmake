# Debian packages by CPack, of what is installed (make packages): libconvoy0, libconvoy-dev, convoy-tools.
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME convoy)
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "objects in video, by Darknet's YOLO models")
set(CONVOY_PACKAGE_CONTACT "Convoy <packages@convoy.invalid>" CACHE STRING "Maintainer of the Debian packages: NAME <ADDRESS>")
if(NOT CONVOY_PACKAGE_CONTACT MATCHES "^[^<>]+ <[^<> ]+@[^<> ]+>$")
  message(FATAL_ERROR "CONVOY_PACKAGE_CONTACT is '${CONVOY_PACKAGE_CONTACT}', and must be NAME <ADDRESS>")
endif()
set(CPACK_PACKAGE_CONTACT ${CONVOY_PACKAGE_CONTACT})
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_COMPONENTS_ALL runtime dev tools)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS_POLICY ">=")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
# Our libraries need each other, and are in no package that is installed.
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS ${PROJECT_BINARY_DIR}/engine ${PROJECT_BINARY_DIR}/tools/media)

set(CPACK_DEBIAN_RUNTIME_PACKAGE_NAME libconvoy${CONVOY_ABI})
set(CPACK_DEBIAN_RUNTIME_PACKAGE_SECTION libs)
file(WRITE ${PROJECT_BINARY_DIR}/package/triggers "activate-noawait ldconfig\n")
set(CPACK_DEBIAN_RUNTIME_PACKAGE_CONTROL_EXTRA ${PROJECT_BINARY_DIR}/package/triggers)
set(CPACK_COMPONENT_RUNTIME_DESCRIPTION "Shared libraries for C++ and C: boxes for video and pictures, on the CPU and on
NVIDIA GPUs.")

set(CPACK_DEBIAN_DEV_PACKAGE_NAME libconvoy-dev)
set(CPACK_DEBIAN_DEV_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_DEV_PACKAGE_DEPENDS "libconvoy${CONVOY_ABI} (= ${PROJECT_VERSION})")
set(CPACK_DEBIAN_DEV_PACKAGE_SUGGESTS "libdnnl-dev, libavformat-dev, libswscale-dev, libjpeg-dev")
set(CPACK_COMPONENT_DEV_DESCRIPTION "Headers, static libraries, and what CMake and pkg-config need to find them.
Linking the static libraries takes what is suggested.")

set(CPACK_DEBIAN_TOOLS_PACKAGE_NAME convoy-tools)
set(CPACK_DEBIAN_TOOLS_PACKAGE_SECTION video)
set(CPACK_COMPONENT_TOOLS_DESCRIPTION "yolo-run, yolo-inspect, yolo-eval and yolo-fleet: annotated videos, JSON Lines, CSV,
COCO and more, on the CPU and on NVIDIA GPUs, one or many machines. With a small model to try.")

foreach(component runtime dev tools)
  string(TOUPPER ${component} upper)
  install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/${CPACK_DEBIAN_${upper}_PACKAGE_NAME} RENAME copyright
          COMPONENT ${component})
endforeach()
include(CPack)
