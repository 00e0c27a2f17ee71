// SPDX-License-Identifier: MIT
//
// All of convoy::media: videos, pictures and cameras in, pictures with boxes and H.264 videos out.
#pragma once

#include <convoy/media/contact_sheet.h>
#include <convoy/media/draw.h>
#include <convoy/media/give_up.h>
#include <convoy/media/image.h>
#include <convoy/media/image_converter.h>
#include <convoy/media/input.h>
#include <convoy/media/run_inputs.h>
#include <convoy/media/source.h>
#include <convoy/media/video_format.h>
#include <convoy/media/video_writer.h>
