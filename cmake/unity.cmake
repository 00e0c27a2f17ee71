# The sanitizers' builds compile the files of a target eight at a time (CMAKE_UNITY_BUILD), in half the time. These have
# helpers with the names of a neighbour's, or compilers warn of them beside others, so they are compiled alone.
function(compile_alone target)
  if(TARGET ${target})
    get_target_property(folder ${target} SOURCE_DIR)
    foreach(source IN LISTS ARGN)
      if(NOT EXISTS ${folder}/${source})
        message(FATAL_ERROR "cmake/unity.cmake: there is no ${folder}/${source}")
      endif()
      set_property(SOURCE ${folder}/${source} TARGET_DIRECTORY ${target} PROPERTY SKIP_UNITY_BUILD_INCLUSION ON)
    endforeach()
  endif()
endfunction()

compile_alone(convoy_loader names_reader.cpp)
compile_alone(convoy_kernels cpu/conv_onednn.cpp cpu/yolo_decode.cpp)
compile_alone(convoy_media_objects in/av1_units.cpp in/file_units.cpp in/http_body.cpp in/live_reader.cpp
  in/lost_end.cpp in/playlist_parts.cpp in/segmenter.cpp pictures/av_picture.cpp pictures/picture_format.cpp
  out/nvjpeg.cpp out/picture_order.cpp out/rgb_to_nv12.cpp)
compile_alone(convoy_analysis zones.cpp)
compile_alone(convoy_sinks mqtt_publisher.cpp webhook.cpp)
compile_alone(convoy_serve live_state.cpp)
compile_alone(convoy_run served_inputs.cpp watch_list.cpp)
compile_alone(convoy_fleet content_key.cpp make_manifest.cpp)
compile_alone(test_loader cfg_warnings_test.cpp)
compile_alone(test_kernels test_nms.cpp)
compile_alone(test_c_api test_c_memory.cpp)
compile_alone(test_engine test_engine_api.cpp test_input_feed.cpp)
compile_alone(test_media test_draw.cpp)
compile_alone(test_inputs test_frame_window.cpp test_inside_gop.cpp test_live_playlist.cpp test_reach.cpp test_waits.cpp)
compile_alone(test_sinks test_overlay_sink.cpp test_record_formats.cpp)
compile_alone(test_run_parts test_settings.cpp)
compile_alone(test_yolo_run_ends test_yolo_run_http.cpp)

# What a program takes of it must not bring Catch2's main().
if(TARGET test_support)
  set_property(TARGET test_support PROPERTY UNITY_BUILD OFF)
endif()
