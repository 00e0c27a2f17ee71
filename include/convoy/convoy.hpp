// SPDX-License-Identifier: MIT
//
// All of convoy::convoy: models, and the engine that runs them. Videos and pictures: <convoy/media.hpp>.
#pragma once

#include <convoy/detection.h>
#include <convoy/engine.h>
#include <convoy/error.h>
#include <convoy/export.h>
#include <convoy/frame.h>
#include <convoy/load.h>
#include <convoy/network.h>
#include <convoy/options.h>
#include <convoy/run.h>
#include <convoy/segment.h>
#include <convoy/stage_stats.h>
#include <convoy/trace.h>
#include <convoy/types.h>
#include <convoy/version.h>
